// Metadata on a host: what a guest asks goes to the server, which knows whose address it is, and from there to Nova.
import type { Bus } from '#kernel/bus/bus.ts'
import type { Cross } from '#kernel/crossing/crossing.ts'
import type { Ids } from '#kernel/lib/ids.ts'
import type { OnMetadata } from '#services/neutron/drivers/mechanism.ts'
import { serverRpc } from '#services/neutron/rpc.ts'

const toBase64 = (bytes: Uint8Array): string => {
  let text = ''
  for (const byte of bytes) text += String.fromCharCode(byte)
  return btoa(text)
}
const fromBase64 = (text: string): Uint8Array => Uint8Array.from(atob(text), char => char.charCodeAt(0))

/** For the mechanism of `host`. */
export const metadataOver =
  (tools: { bus: Bus; host: string; ids: Ids; cross: Cross }): OnMetadata =>
  async request => {
    const ctx = {
      requestId: `req-${tools.ids.uuid()}`,
      who: null,
      actor: `neutron-metadata-agent@${tools.host}`,
      cross: tools.cross,
    }
    const says = await tools.bus
      .client(serverRpc)
      .any()
      .metadata(ctx, {
        method: request.method,
        path: request.path,
        headers: request.headers,
        body: toBase64(request.body),
        sourceIp: request.sourceIp,
        ...(request.networkId === undefined ? {} : { networkId: request.networkId }),
        ...(request.routerId === undefined ? {} : { routerId: request.routerId }),
      })
    return { status: says.status, headers: says.headers, body: fromBase64(says.body) }
  }
