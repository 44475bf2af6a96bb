// Which guest asks for metadata: known by where the request arrived and its address. Then Nova is asked in its name, signed.
import type { Transport } from '#kernel/http/client.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { portsDb, type Port } from '#services/neutron/db/ports.ts'
import type { Q } from '#services/neutron/db/standard.ts'
import { canonicalIp, parseIp } from '#services/neutron/domain/addresses.ts'
import { isTrusted } from '#services/neutron/domain/owners.ts'
import type { DomainTools } from '#services/neutron/domain/tools.ts'
import type { MetadataAsk, MetadataSays } from '#services/neutron/rpc.ts'

/** What a guest may not say of itself. */
const OURS =
  /^(x-instance-id|x-tenant-id|x-project-id|x-instance-id-signature|x-forwarded-for|x-neutron-|x-metadata-|host$|connection$|content-length$|transfer-encoding$|x-auth-token$)/i

const toBytes = (text: string): Uint8Array => Uint8Array.from(atob(text), char => char.charCodeAt(0))
const toBase64 = (text: string | Uint8Array): string => {
  const bytes = typeof text === 'string' ? new TextEncoder().encode(text) : text
  let binary = ''
  for (const byte of bytes) binary += String.fromCharCode(byte)
  return btoa(binary)
}

/** HMAC-SHA256 in hexadecimal digits: Nova believes an instance id that is signed so. */
export async function signatureOf(secret: string, instanceId: string): Promise<string> {
  const encoder = new TextEncoder()
  const key = await crypto.subtle.importKey('raw', encoder.encode(secret), { name: 'HMAC', hash: 'SHA-256' }, false, [
    'sign',
  ])
  const signed = await crypto.subtle.sign('HMAC', key, encoder.encode(instanceId))
  return [...new Uint8Array(signed)].map(byte => byte.toString(16).padStart(2, '0')).join('')
}

/** The hardware address inside an EUI-64 address, or null. */
function macInside(text: string): string | null {
  const ip = parseIp(text)
  if (ip === null || ip.version !== 6) return null
  const bytes: number[] = []
  for (let shift = 56n; shift >= 0n; shift -= 8n) bytes.push(Number((ip.value >> shift) & 0xffn))
  const [a = 0, b = 0, c = 0, marker1, marker2, d = 0, e = 0, f = 0] = bytes
  if (marker1 !== 0xff || marker2 !== 0xfe) return null
  return [a ^ 2, b, c, d, e, f].map(byte => byte.toString(16).padStart(2, '0')).join(':')
}

async function networksOf(q: Q, ask: MetadataAsk): Promise<string[]> {
  if (ask.networkId !== undefined) return [ask.networkId]
  if (ask.routerId === undefined) return []
  return [...new Set((await portsDb.ofDevice(q, ask.routerId)).map(port => port.networkId))]
}
/** The one guest that has the address there; null for none or several. */
export async function askerOf(q: Q, ask: MetadataAsk): Promise<Port | null> {
  const networks = await networksOf(q, ask)
  if (networks.length === 0) return null
  const ip = canonicalIp(ask.sourceIp)
  const linkLocal = ip.startsWith('fe80:') ? macInside(ip) : null
  const ids =
    linkLocal === null
      ? (
          await q
            .selectFrom('allocations')
            .select('port_id as id')
            .where('ip_address', '=', ip)
            .where('network_id', 'in', networks)
            .execute()
        ).map(row => row.id)
      : (
          await q
            .selectFrom('ports')
            .select('id')
            .where('mac_address', '=', linkLocal)
            .where('network_id', 'in', networks)
            .execute()
        ).map(row => row.id)
  const guests = [...(await portsDb.byIds(q, ids)).values()].filter(
    port => port.deviceId !== '' && !isTrusted(port.deviceOwner),
  )
  return guests.length === 1 ? (guests[0] ?? null) : null
}

const text = (status: number, says: string): MetadataSays => ({
  status,
  headers: { 'content-type': 'text/plain; charset=UTF-8' },
  body: toBase64(says),
})

export const createMetadata = (
  tools: Pick<DomainTools, 'database' | 'log'> & { readonly nova: Transport | null; readonly secret: string },
) => ({
  /** Nova's answer to the guest; 404 for an address that is no guest's. */
  async answer(ctx: Ctx, ask: MetadataAsk): Promise<MetadataSays> {
    const port = await tools.database.read(ctx, 'who-asks-for-metadata', q => askerOf(q, ask))
    if (port === null) return text(404, 'the server does not exist\n')
    const nova = tools.nova
    if (nova === null) return text(503, 'metadata is not served here\n')
    const [path = '/', query = ''] = ask.path.split('?')
    const headers: Record<string, string> = {}
    for (const [name, value] of Object.entries(ask.headers)) if (!OURS.test(name)) headers[name] = value
    headers['x-forwarded-for'] = ask.sourceIp
    headers['x-instance-id'] = port.deviceId
    headers['x-tenant-id'] = port.projectId
    headers['x-instance-id-signature'] = await signatureOf(tools.secret, port.deviceId)
    headers['x-openstack-request-id'] = ctx.requestId
    const answer = await ctx.cross(
      {
        kind: 'rest',
        side: 'send',
        from: ctx.actor,
        to: nova.to,
        name: `${ask.method} metadata`,
        requestId: ctx.requestId,
        subject: port.deviceId,
      },
      () =>
        nova.send(ctx.actor, {
          method: ask.method,
          path,
          query,
          headers,
          body: ask.body === '' ? null : toBytes(ask.body),
        }),
    )
    const body =
      answer.body === null
        ? ''
        : typeof answer.body === 'string' || answer.body instanceof Uint8Array
          ? answer.body
          : await whole(answer.body)
    const type = answer.headers['content-type']
    return { status: answer.status, headers: type === undefined ? {} : { 'content-type': type }, body: toBase64(body) }
  },
})
export type Metadata = ReturnType<typeof createMetadata>

async function whole(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for await (const part of stream) parts.push(part)
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let offset = 0
  for (const part of parts) {
    all.set(part, offset)
    offset += part.length
  }
  return all
}
