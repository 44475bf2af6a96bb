// Whether a server may be launched as the form stands, decided with reasons: each is a key and what fills it in.
import type { ComputeLimits, Flavor } from '#app/api/compute.ts'
import type { Image } from '#app/api/image.ts'

export interface Launch {
  readonly name: string
  readonly image: Image | undefined
  readonly flavor: Flavor | undefined
  /** A network's id, `none`, or empty while nothing is chosen. */
  readonly network: string
  /** Undefined while unknown: then the quota stops nobody, the server decides. */
  readonly limits: ComputeLimits | undefined
}

export type Reason =
  | { readonly key: 'name' | 'nameLong' | 'image' | 'flavor' | 'network' }
  | { readonly key: 'imageNotReady'; readonly image: string; readonly status: string }
  | {
      readonly key: 'ram' | 'disk'
      readonly image: string
      readonly flavor: string
      readonly need: number
      readonly has: number
    }
  | { readonly key: 'quotaServers'; readonly used: number; readonly limit: number }
  | { readonly key: 'quotaCores' | 'quotaRam'; readonly need: number; readonly left: number }

/** Why not, in the order of the form; empty when nothing stands in the way. Memory in MB, disks in GB. */
export function whyNotLaunch({ name, image, flavor, network, limits }: Launch): readonly Reason[] {
  const reasons: Reason[] = []
  if (name.trim() === '') reasons.push({ key: 'name' })
  if (name.length > 255) reasons.push({ key: 'nameLong' })
  if (image === undefined) reasons.push({ key: 'image' })
  else if (image.status !== 'active') {
    reasons.push({ key: 'imageNotReady', image: image.name ?? image.id, status: image.status })
  }
  if (flavor === undefined) reasons.push({ key: 'flavor' })
  if (image !== undefined && flavor !== undefined) reasons.push(...fits(image, flavor))
  if (network === '') reasons.push({ key: 'network' })
  if (limits !== undefined) reasons.push(...quota(limits, flavor))
  return reasons
}

function fits(image: Image, flavor: Flavor): readonly Reason[] {
  const both = { image: image.name ?? image.id, flavor: flavor.name }
  const reasons: Reason[] = []
  if (image.min_ram > flavor.ram) reasons.push({ key: 'ram', ...both, need: image.min_ram, has: flavor.ram })
  // A flavor's disk of 0 means: as large as the image.
  if (flavor.disk > 0 && image.min_disk > flavor.disk) {
    reasons.push({ key: 'disk', ...both, need: image.min_disk, has: flavor.disk })
  }
  return reasons
}

function quota(limits: ComputeLimits, flavor: Flavor | undefined): readonly Reason[] {
  const reasons: Reason[] = []
  const { maxTotalInstances, totalInstancesUsed, maxTotalCores, totalCoresUsed, maxTotalRAMSize, totalRAMUsed } = limits
  if (maxTotalInstances >= 0 && totalInstancesUsed + 1 > maxTotalInstances) {
    reasons.push({ key: 'quotaServers', used: totalInstancesUsed, limit: maxTotalInstances })
  }
  if (flavor === undefined) return reasons
  if (maxTotalCores >= 0 && totalCoresUsed + flavor.vcpus > maxTotalCores) {
    reasons.push({ key: 'quotaCores', need: flavor.vcpus, left: Math.max(0, maxTotalCores - totalCoresUsed) })
  }
  if (maxTotalRAMSize >= 0 && totalRAMUsed + flavor.ram > maxTotalRAMSize) {
    reasons.push({ key: 'quotaRam', need: flavor.ram, left: Math.max(0, maxTotalRAMSize - totalRAMUsed) })
  }
  return reasons
}
