// Ending processes that nobody else will end: asked first, then told, each told apart from a later one of the same number.
import { identityOf, isAlive, type ProcessIdentity } from '#host/node/process-table.ts'

/** SIGTERM, and SIGKILL to those that are still there after `graceMs`. Resolves when all are gone or `graceMs` more have passed. */
export async function endProcesses(pids: readonly number[], graceMs = 5_000): Promise<void> {
  let left = pids.map(identityOf).filter((who): who is ProcessIdentity => who !== null)
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    if (left.length === 0) return
    for (const who of left) send(who.pid, signal)
    left = await whenGone(left, graceMs)
  }
}

/** Waits until the processes are gone, at most so long; returns those that are not. */
export async function whenGone(who: readonly ProcessIdentity[], limitMs: number): Promise<ProcessIdentity[]> {
  const end = performance.now() + limitMs
  let left = who.filter(isAlive)
  while (left.length > 0 && performance.now() < end) {
    await new Promise(resolve => setTimeout(resolve, 20))
    left = left.filter(isAlive)
  }
  return left
}

/** A process that is gone, or not ours, is no error. */
function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // gone meanwhile
  }
}
