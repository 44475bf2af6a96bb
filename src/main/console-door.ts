// The websocket on which consoles are watched: a single-use token decides where it leads, the Origin who may ask.
import type { SocketDoor } from '#host/node/front-door.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import type { Ids } from '#kernel/lib/ids.ts'
import { openConsoleSocket } from '#services/nova/drivers/console-stream.ts'
import type { Nova } from '#services/nova/service.ts'

/** A page of another site may not use a token that was given to ours; programs without an Origin may. */
const sameOrigin = (origin: string | undefined, host: string): boolean => {
  if (origin === undefined) return true
  try {
    return new URL(origin).host === host
  } catch {
    return false
  }
}

export const consoleDoor = (nova: Nova, tools: { clock: Clock; ids: Ids }): SocketDoor => ({
  path: '/console/websockify',
  async open({ query, origin, host }) {
    const token = query.get('token')
    if (token === null || token.length > 200 || !sameOrigin(origin, host)) return null
    const ctx: Ctx = {
      requestId: `req-${tools.ids.uuid()}`,
      who: null,
      actor: 'nova-novncproxy',
      cross: (_crossing, deed) => deed(),
    }
    const found = await nova.serverParts.takeConsole(ctx, token)
    return found === null ? null : openConsoleSocket(found.path)
  },
})
