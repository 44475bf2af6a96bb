// Which cloud a state folder is: an id made once. Two folders with the same id are copies, and must not run on one machine at a time,
// or their guests would share addresses and names of devices.
import { createServer, type Server } from 'node:net'
import { Refusal } from '#kernel/config/refusal.ts'
import type { Ids } from '#kernel/lib/ids.ts'
import type { StateDir } from '#host/node/state-dir.ts'

/** The folder's id, made when it has none. */
export function cloudId(state: StateDir, ids: Ids): string {
  const kept = state.read('cloud-id')?.trim()
  if (kept !== undefined && kept !== '') return kept
  const id = ids.uuid()
  state.write('cloud-id', `${id}\n`)
  return id
}

/**
 * Holds the id on this machine until the returned function is called, or this process dies: a name in the kernel's own table of
 * sockets, no file. @throws Refusal when a copy of this folder runs.
 */
export async function holdIdentity(state: StateDir, ids: Ids): Promise<() => void> {
  if (process.platform !== 'linux') return () => undefined
  const server: Server = createServer(socket => socket.destroy())
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(`\0koto-${cloudId(state, ids)}`, resolve)
    })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') return () => undefined
    throw new Refusal(
      `${state.path} is a copy of the state of a cloud that runs on this machine: their guests would share addresses. Stop the other one first.`,
    )
  }
  server.unref()
  return () => void server.close()
}
