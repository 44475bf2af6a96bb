// The detached cloud's own process: starts as told, reports to its starter over the channel, then lives by itself.
import { flushCompileCache } from 'node:module'
import { performance } from 'node:perf_hooks'
import { collectGarbageOnce } from '#host/node/collect-garbage.ts'
import { Refusal } from '#kernel/config/refusal.ts'
import { startHere } from '#main/cli/up-run.ts'
import type { DaemonOrder, DaemonSays } from '#main/cli/up-detach.ts'
import { startCloud } from '#main/main.ts'

const tell = (says: DaemonSays): Promise<void> =>
  new Promise(resolve => {
    if (process.connected && process.send !== undefined) process.send(says, () => resolve())
    else resolve()
  })

async function live(order: DaemonOrder): Promise<number> {
  const interrupt = new AbortController()
  let signals = 0
  let stop: (() => void) | null = null
  const onSignal = (): void => {
    signals += 1
    if (signals > 1) process.exit(130)
    interrupt.abort()
    stop?.()
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, onSignal)
  process.on('SIGHUP', () => undefined) // the terminal it came from may close
  process.on('disconnect', () => undefined)

  try {
    const running = await startHere(order.wish, startCloud, {
      signal: interrupt.signal,
      progress: says => void tell({ kind: 'progress', says }),
      beganMs: order.beganMs - performance.timeOrigin,
    })
    stop = () => void running.stop({ keepGuests: true })
    process.on('uncaughtException', error =>
      running.logs.write('koto', 'ERROR', `a fault of its own: ${error.stack ?? error.message}`),
    )
    process.on('unhandledRejection', error =>
      running.logs.write(
        'koto',
        'ERROR',
        `a fault of its own: ${error instanceof Error ? error.stack : String(error)}`,
      ),
    )
    await tell({ kind: 'ready', summary: running.summary, password: running.password })
    if (process.connected) process.disconnect()
    collectGarbageOnce(5_000)
    flushCompileCache() // at its end a cloud may have no time to keep what it compiled
    if (interrupt.signal.aborted) stop()
    await running.over
    return 0
  } catch (error) {
    const says = error instanceof Error ? error.message : String(error)
    if (error instanceof Refusal) await tell({ kind: 'refused', says, exitCode: error.exitCode })
    else {
      process.stderr.write(`${error instanceof Error ? error.stack : says}\n`)
      await tell({
        kind: 'refused',
        says: `The cloud did not start: ${says} (more in ${process.argv[3]}/log).`,
        exitCode: 1,
      })
    }
    if (process.connected) process.disconnect()
    return 1
  }
}

const order = await new Promise<DaemonOrder>(resolve =>
  process.once('message', message => resolve(message as DaemonOrder)),
)
process.exit(await live(order))
