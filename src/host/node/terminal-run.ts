// Programs that take over the person's terminal for a while.
import { spawn } from 'node:child_process'
import { constants } from 'node:os'

/** Starts a program on this terminal and waits for it; signals from the terminal reach it by themselves. */
export function runToEnd(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const [program = '', ...rest] = argv
  const ignore = (): void => undefined
  return new Promise(resolve => {
    const child = spawn(program, rest, { stdio: 'inherit', env })
    const pass = (signal: NodeJS.Signals): void => void child.kill(signal)
    process.on('SIGINT', ignore) // the terminal sends it to both; the child decides
    process.on('SIGTERM', pass)
    process.on('SIGHUP', pass)
    child.on('error', error => {
      process.stderr.write(
        `koto: ${program} cannot be started (${(error as NodeJS.ErrnoException).code ?? error.message}).\n`,
      )
      resolve(127)
    })
    child.on('exit', (code, signal) => {
      process.removeListener('SIGINT', ignore)
      process.removeListener('SIGTERM', pass)
      process.removeListener('SIGHUP', pass)
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]))
    })
  })
}

/**
 * Keeps this process alive while `deed` is under way: a wait on the cloud's clock alone does not.
 * @example await stayAwake(() => clock.sleep(200))
 */
export async function stayAwake<T>(deed: () => Promise<T>): Promise<T> {
  const alive = setInterval(() => undefined, 60_000)
  try {
    return await deed()
  } finally {
    clearInterval(alive)
  }
}
