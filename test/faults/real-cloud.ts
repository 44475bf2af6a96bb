// A cloud as its own processes, on a folder that outlives them: what the fault tests start, break with KOTO_FAULT, and start again.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { lockHolder } from '#host/node/state-dir-lock.ts'
import { openState } from '#host/node/state-dir.ts'
import { readAccess } from '#main/cli/access.ts'
import { controlClient, type ControlClient } from '#main/control/client.ts'
import { logIn, type Person } from '#main/person.ts'
import { until } from '../cloud/story.ts'

const program = fileURLToPath(new URL('../../bin/koto.js', import.meta.url))

export interface RealCloud {
  readonly dir: string
  readonly control: ControlClient
  /** `koto up -d`; returns the process's number. `fault`: KOTO_FAULT. Throws with the last words when it does not come up. */
  up(fault?: string): Promise<number>
  as(user: string): Promise<Person>
  /** Resolves when nobody holds the folder any more, with the place where a fault killed the process, `''` if none did. */
  dead(): Promise<string>
  /** `koto` with these words on this folder. */
  koto(...words: string[]): Promise<{ code: number | null; out: string; err: string }>
  kill(): Promise<void>
  /** `koto audit` finds nothing. */
  sound(): Promise<void>
  /** `koto clean`, and the folder is gone. */
  end(): Promise<void>
}

/** Makes the folder; nothing runs yet. `options`: of `koto up`. */
export function realCloud(
  name: string,
  options: readonly string[] = ['--hypervisor', 'simulated', '--network', 'simulated'],
): RealCloud {
  const base = mkdtempSync(path.join(os.tmpdir(), `koto-${name}-`))
  const dir = path.join(base, 'state')
  const run = (words: readonly string[], fault = ''): Promise<{ code: number | null; out: string; err: string }> =>
    new Promise((resolve, reject) => {
      const child = spawn(process.execPath, ['--conditions=koto-source', program, ...words, '--state', dir], {
        cwd: base,
        env: {
          PATH: process.env['PATH'],
          HOME: process.env['HOME'],
          TMPDIR: base,
          ...(fault === '' ? {} : { KOTO_FAULT: fault }),
        },
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      let [out, err] = ['', '']
      child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
      child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text))
      child.on('error', reject)
      child.on('close', code => resolve({ code, out, err }))
    })
  const dead = async (): Promise<string> => {
    await until('the end of the process', async () => (lockHolder(dir) === null ? true : null))
    return readFileSync(path.join(dir, 'log', 'process.log'), 'utf8').match(/KOTO_FAULT: killed at (.*)\n$/)?.[1] ?? ''
  }
  return {
    dir,
    control: controlClient(openState(dir)),
    dead,
    async up(fault) {
      const { code, out, err } = await run(
        ['up', '-d', '--json', '--port', '0', '--localrc', '/dev/null', ...options],
        fault,
      )
      assert.equal(code, 0, `koto up: ${err}${code === 0 ? '' : lastWords(dir)}`)
      return (JSON.parse(out) as { pid: number }).pid
    },
    as(user) {
      const access = readAccess(openState(dir))
      return logIn(access.authUrl.replace(/\/identity\/v3\/?$/, ''), user, access.password)
    },
    koto: (...words) => run(words),
    async kill() {
      const holder = lockHolder(dir)
      if (holder !== null) process.kill(holder.pid, 'SIGKILL')
      await dead()
    },
    async sound() {
      const { code, out, err } = await run(['audit'])
      assert.equal(out, '0 violations\n', err)
      assert.equal(code, 0)
    },
    async end() {
      const { code, err } = await run(['clean'])
      rmSync(base, { recursive: true, force: true })
      assert.equal(code, 0, err)
    },
  }
}

function lastWords(dir: string): string {
  try {
    return readFileSync(path.join(dir, 'log', 'koto.log'), 'utf8').slice(-3000)
  } catch {
    return ''
  }
}
