// The one door to other programs: argument vectors in, exit code and bytes out. No shell, ever.
import { spawn, type ChildProcess } from 'node:child_process'

/** What a finished program left behind. */
export interface Finished {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  /** Bytes for its standard input. */
  readonly stdin?: string | Uint8Array
  /** Killed with SIGKILL after this long; default 30 s. */
  readonly timeoutMs?: number
  readonly cwd?: string
  readonly env?: Record<string, string>
  /** Accept any exit code instead of throwing on one that is not 0. */
  readonly anyCode?: boolean
}

/** How the rest of `host` and the drivers start programs. Tests pass one that records the vectors. */
export interface Exec {
  /** Runs to the end. Throws {@link ExecError} when it cannot start, is killed, or exits with other than 0. */
  run(argv: readonly string[], options?: RunOptions): Promise<Finished>
  /** Starts a program that outlives us, in a session of its own, its output appended to `logFile` (0600). Returns its pid. */
  daemon(
    argv: readonly string[],
    options: { logFile: string; cwd?: string; env?: Record<string, string> },
  ): Promise<number>
  /** Starts a child with pipes, for long conversations (`ip -batch -`). The caller ends it. */
  talk(argv: readonly string[], options?: { env?: Record<string, string> }): ChildProcess
}

/** A program that could not be started or did not succeed. `message` is one sentence with the end of its stderr. */
export class ExecError extends Error {
  readonly argv: readonly string[]
  readonly code: number | null
  readonly stderr: string
  constructor(argv: readonly string[], code: number | null, stderr: string, why: string) {
    super(`${argv[0] ?? '?'} ${why}${stderr === '' ? '' : `: ${stderr.trim().slice(-600)}`}`)
    this.name = 'ExecError'
    this.argv = argv
    this.code = code
    this.stderr = stderr
  }
}

/** The real one. `prefix` is put before every vector, e.g. `['nsenter', '-t', '42', '-n', '--']`. */
export function createExec(prefix: readonly string[] = []): Exec {
  const whole = (argv: readonly string[]): [string, string[]] => {
    const all = [...prefix, ...argv]
    const program = all[0]
    if (program === undefined) throw new Error('an empty argument vector')
    return [program, all.slice(1)]
  }
  return {
    run(argv, options = {}) {
      const [program, args] = whole(argv)
      return new Promise((resolve, reject) => {
        const child = spawn(program, args, {
          stdio: ['pipe', 'pipe', 'pipe'],
          ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
          ...(options.env === undefined ? {} : { env: { ...process.env, ...options.env } }),
        })
        let stdout = ''
        let stderr = ''
        let late = false
        const timer = setTimeout(() => {
          late = true
          child.kill('SIGKILL')
        }, options.timeoutMs ?? 30_000)
        child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
        child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
        child.on('error', error => {
          clearTimeout(timer)
          reject(
            new ExecError(
              argv,
              null,
              '',
              `could not be started (${(error as NodeJS.ErrnoException).code ?? error.message})`,
            ),
          )
        })
        child.on('close', (code, signal) => {
          clearTimeout(timer)
          if (late) reject(new ExecError(argv, code, stderr, `did not finish within ${options.timeoutMs ?? 30_000} ms`))
          else if (code === null) reject(new ExecError(argv, code, stderr, `was ended by ${signal ?? 'a signal'}`))
          else if (code !== 0 && options.anyCode !== true)
            reject(new ExecError(argv, code, stderr, `exited with ${code}`))
          else resolve({ code, stdout, stderr })
        })
        child.stdin.on('error', () => undefined) // a program that does not read its input is not an error by itself
        child.stdin.end(options.stdin ?? '')
      })
    },
    async daemon(argv, options) {
      const [program, args] = whole(argv)
      const { open } = await import('node:fs/promises')
      const log = await open(options.logFile, 'a', 0o600)
      try {
        const child = spawn(program, args, {
          detached: true,
          stdio: ['ignore', log.fd, log.fd],
          ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
          ...(options.env === undefined ? {} : { env: { ...process.env, ...options.env } }),
        })
        await new Promise<void>((resolve, reject) => {
          child.once('spawn', resolve)
          child.once('error', error => reject(new ExecError(argv, null, '', `could not be started (${error.message})`)))
        })
        child.unref()
        if (child.pid === undefined) throw new ExecError(argv, null, '', 'has no process id')
        return child.pid
      } finally {
        await log.close()
      }
    },
    talk(argv, options = {}) {
      const [program, args] = whole(argv)
      return spawn(program, args, {
        stdio: ['pipe', 'pipe', 'pipe'],
        ...(options.env === undefined ? {} : { env: { ...process.env, ...options.env } }),
      })
    },
  }
}
