// What the proxies of old versions ask neighbours, as the api sees it; and how a neighbour's refusal becomes ours.
import type { CinderProxy, ProxySnapshot, ProxyVolume } from '#services/nova/actors/neighbours/cinder-proxy.ts'
import type { Image } from '#services/nova/actors/neighbours/glance.ts'
import type { GlanceProxy } from '#services/nova/actors/neighbours/glance-proxy.ts'
import type {
  NeutronProxy,
  ProxyFloatingIp,
  ProxyGroup,
  ProxyNetwork,
  ProxyRule,
} from '#services/nova/actors/neighbours/neutron-proxy.ts'

export type Volumes = CinderProxy
export type Volume = ProxyVolume
export type Snapshot = ProxySnapshot
export type Images = GlanceProxy
export type OldImage = Image
export type Networking = NeutronProxy
export type FloatingIp = ProxyFloatingIp
export type Group = ProxyGroup
export type Network = ProxyNetwork
export type Rule = ProxyRule

/** Catches what a neighbour said with one of these statuses and says it in our own way; the rest passes. */
export async function translated<T>(
  answer: Promise<T>,
  ways: Readonly<Record<number, (says: string) => Error>>,
): Promise<T> {
  try {
    return await answer
  } catch (error) {
    const { name, status, message } = error as { name?: string; status?: number; message: string }
    const way = name === 'RemoteFault' && status !== undefined ? ways[status] : undefined
    if (way === undefined) throw error
    throw Object.assign(way(message), { cause: error })
  }
}
