// The checks that read the code instead of running it; each counts as one test.
import { spawn } from 'node:child_process'
import path from 'node:path'

export interface Check {
  readonly name: string
  readonly argv: readonly string[]
}

export const CHECKS: readonly Check[] = [
  { name: 'types: tsc finds nothing', argv: ['tsc', '--noEmit'] },
  { name: 'lint: oxlint finds nothing', argv: ['oxlint', '--type-aware', '--quiet', 'src', 'test', 'bin'] },
  { name: 'format: oxfmt would change nothing', argv: ['oxfmt', '--check', 'src', 'test', 'bin'] },
]

/** Runs one with the project's own tools first in PATH. `why` is empty when it passed. */
export function runCheck(check: Check, root: string): Promise<{ why: string; ms: number }> {
  const began = performance.now()
  const bin = path.join(root, 'node_modules/.bin')
  return new Promise(resolve => {
    const child = spawn(path.join(bin, check.argv[0] ?? ''), check.argv.slice(1), {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, PATH: `${bin}:${process.env['PATH'] ?? ''}`, NO_COLOR: '1' },
    })
    let said = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text))
    const over = (why: string): void => resolve({ why, ms: performance.now() - began })
    child.on('error', error => over(error.message))
    child.on('close', code => over(code === 0 ? '' : said.trim().slice(0, 6_000) || `exited with ${code}`))
  })
}
