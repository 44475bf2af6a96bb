// The metadata service as Neutron's proxy reaches it: who asks stands in headers that only the proxy can sign.
import { bodyText, type Handle, type HttpAnswer } from '#kernel/http/call.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import type { Ids } from '#kernel/lib/ids.ts'
import type { createMetadata } from '#services/nova/domain/metadata.ts'

/** Where a guest says what its password became, sealed with its key pair. */
const PASSWORD = /^\/openstack\/[^/]+\/password\/?$/

const plain = (status: number, says: string): HttpAnswer => ({
  status,
  headers: { 'content-type': 'text/plain' },
  body: says,
})

const hex = (bytes: ArrayBuffer): string =>
  [...new Uint8Array(bytes)].map(byte => byte.toString(16).padStart(2, '0')).join('')
/** HMAC-SHA256 of the server's id, as hex. */
async function signatureOf(secret: string, serverId: string): Promise<string> {
  const key = await crypto.subtle.importKey(
    'raw',
    new TextEncoder().encode(secret),
    { name: 'HMAC', hash: 'SHA-256' },
    false,
    ['sign'],
  )
  return hex(await crypto.subtle.sign('HMAC', key, new TextEncoder().encode(serverId)))
}
/** The same time whatever the first difference. */
const same = (a: string, b: string): boolean => {
  let wrong = a.length ^ b.length
  for (let index = 0; index < a.length; index++) wrong |= (a.codePointAt(index) ?? 0) ^ (b.codePointAt(index) ?? 0)
  return wrong === 0
}

/** `secret` is shared with the proxy. Requests without a right signature are 403. */
export const metadataService =
  (metadata: ReturnType<typeof createMetadata>, tools: { ids: Ids; secret: string }): Handle =>
  async call => {
    const id = call.headers['x-instance-id']
    const signature = call.headers['x-instance-id-signature']
    if (id === undefined) return plain(400, 'X-Instance-ID header is missing from request.')
    if (signature === undefined || !same(await signatureOf(tools.secret, id), signature))
      return plain(403, 'Invalid proxy request signature.')
    // A guest's own reading is no part of a person's request: it crosses nothing.
    const ctx: Ctx = {
      requestId: `req-${tools.ids.uuid()}`,
      who: null,
      actor: 'nova-metadata',
      cross: (_crossing, deed) => deed(),
    }
    if (PASSWORD.test(call.path) && call.method !== 'GET' && call.method !== 'HEAD') {
      if (call.method !== 'POST') return plain(400, 'GET and POST only are supported.')
      const told = await bodyText(call.body, 4096).catch(() => null)
      const status = told === null ? 400 : await metadata.tellPassword(ctx, id, told)
      return plain(status, status === 200 ? '' : status === 409 ? 'Conflict' : 'Request is too large.')
    }
    if (call.method !== 'GET' && call.method !== 'HEAD') return plain(405, 'Method Not Allowed')
    const found = await metadata.answer(ctx, id, call.path)
    return { status: found.status, headers: { 'content-type': found.type }, body: found.body }
  }
