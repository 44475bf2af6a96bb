// Clouds for the console's tests: the one that KOTO_TEST_URL names, else a simulated and a real one of our own.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export interface CloudAtHand {
  readonly url: string
  readonly password: string
  end(): Promise<void>
}
export interface CloudToTry {
  readonly name: string
  /** Its guests have no screen. */
  readonly simulated: boolean
  /** Why this machine cannot, or false. */
  readonly skip: string | false
  start(): Promise<CloudAtHand>
}

export const chromiumPath = process.env['KOTO_TEST_CHROMIUM'] ?? '/usr/bin/chromium'

export function cloudsToTry(): readonly CloudToTry[] {
  const lacking = existsSync(chromiumPath) ? false : `there is no ${chromiumPath}`
  const [url, password] = [process.env['KOTO_TEST_URL'], process.env['KOTO_TEST_PASSWORD']]
  if (url !== undefined && password !== undefined) {
    const simulated = process.env['KOTO_TEST_SIMULATED'] === '1'
    return [{ name: url, simulated, skip: lacking, start: async () => ({ url, password, end: async () => undefined }) }]
  }
  const absent = ['qemu-system-x86_64', 'qemu-img'].filter(name => spawnSync(name, ['--version']).status !== 0)
  return [
    { name: 'simulated', simulated: true, skip: lacking, start: () => start('simulated') },
    {
      name: 'real',
      simulated: false,
      skip: lacking !== false ? lacking : absent.length > 0 && `${absent.join(' and ')} cannot be found`,
      start: () => start('qemu'),
    },
  ]
}

async function start(hypervisor: string): Promise<CloudAtHand> {
  const base = mkdtempSync(join(tmpdir(), 'koto-web-'))
  const dir = join(base, 'state')
  const up = await koto(base, [
    'up',
    '-d',
    '--json',
    '--port',
    '0',
    '--hypervisor',
    hypervisor,
    '--localrc',
    '/dev/null',
  ])
  const end = async (): Promise<void> => {
    await koto(base, ['clean'])
    rmSync(base, { recursive: true, force: true })
  }
  if (up.code !== 0) {
    await end()
    throw new Error(`koto up: ${up.err}`)
  }
  const { horizon } = JSON.parse(up.out) as { horizon: string }
  const password = /^ADMIN_PASSWORD=["']?([^"'\n]+)/m.exec(readFileSync(join(dir, 'localrc'), 'utf8'))?.[1] ?? ''
  return { url: horizon.replace(/\/$/, ''), password, end }
}

function koto(base: string, words: readonly string[]): Promise<{ code: number | null; out: string; err: string }> {
  const program = fileURLToPath(new URL('../../bin/koto.js', import.meta.url))
  return new Promise((resolve, reject) => {
    const child = spawn(
      process.execPath,
      ['--conditions=koto-source', program, ...words, '--state', join(base, 'state')],
      {
        cwd: base,
        env: { PATH: process.env['PATH'], HOME: process.env['HOME'], TMPDIR: base },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    )
    let [out, err] = ['', '']
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text))
    child.on('error', reject)
    child.on('close', code => resolve({ code, out, err }))
  })
}
