// The launcher in small checkouts of its own, with an npm and an apt-get that only write down what they were asked.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const source = fileURLToPath(new URL('..', import.meta.url))
const base = mkdtempSync(path.join(os.tmpdir(), 'koto-launcher-test-'))
after(() => rmSync(base, { recursive: true, force: true }))

const script = (file: string, text: string): void => {
  mkdirSync(path.dirname(file), { recursive: true })
  writeFileSync(file, `#!/bin/sh\n${text}`)
  chmodSync(file, 0o755)
}

interface Checkout {
  readonly root: string
  readonly bin: string
  koto(
    words: readonly string[],
    options?: { cwd?: string; file?: string },
  ): Promise<{ code: number | null; out: string; err: string }>
  /** What npm and apt-get were asked, a line each. */
  asked(): string[]
}

/** A checkout whose `bin/koto.js` prints its words, and whose PATH has only what the launcher may count on. */
function checkout(name: string): Checkout {
  const root = path.join(base, name, 'tree')
  const bin = path.join(base, name, 'bin')
  const log = path.join(base, name, 'asked')
  for (const file of ['koto', 'bin/prepare.sh', 'bin/installed.cjs'])
    cpSync(path.join(source, file), path.join(root, file))
  writeFileSync(path.join(root, 'bin/koto.js'), 'console.log(JSON.stringify(process.argv.slice(2)))\n')
  writeFileSync(path.join(root, 'package.json'), '{"type":"module"}')
  writeFileSync(path.join(root, 'package-lock.json'), '{"packages":{"":{},"node_modules/a":{"version":"1.0.0"}}}')
  mkdirSync(bin, { recursive: true })
  for (const tool of [
    'sh',
    'cat',
    'cp',
    'mv',
    'mkdir',
    'date',
    'sleep',
    'flock',
    'cmp',
    'rm',
    'tail',
    'head',
    'find',
    'readlink',
    'id',
    'awk',
    'tr',
    'ls',
    'touch',
    'sort',
    'xargs',
    'cksum',
    'uname',
    'env',
  ]) {
    const found = ['/usr/bin', '/bin'].map(dir => path.join(dir, tool)).find(file => existsSync(file))
    if (found !== undefined) symlinkSync(found, path.join(bin, tool))
  }
  symlinkSync(process.execPath, path.join(bin, 'node'))
  script(
    path.join(bin, 'npm'),
    `echo "npm $*" >>${log}; sleep 0.2; case "$1" in ci) rm -rf node_modules; mkdir -p node_modules/a; echo '{}' >node_modules/a/package.json; cp package-lock.json node_modules/.package-lock.json;; run) mkdir -p web/dist; echo '<html>' >web/dist/index.html;; esac\n`,
  )
  script(path.join(bin, 'apt-get'), `echo "apt-get $*" >>${log}\n`)
  return {
    root,
    bin,
    koto: (words, options = {}) =>
      new Promise(resolve => {
        const child = spawn(options.file ?? path.join(root, 'koto'), words, {
          cwd: options.cwd ?? '/',
          env: { PATH: bin, HOME: base },
        })
        let [out, err] = ['', '']
        child.stdout.on('data', data => (out += data))
        child.stderr.on('data', data => (err += data))
        child.on('close', code => resolve({ code, out, err }))
      }),
    asked: () => (existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : []),
  }
}

test('npm ci runs once for a lock file, and again only when it changes', async () => {
  const { koto, asked, root } = checkout('once')
  const first = await koto(['status', '--json', 'a b'])
  assert.equal(first.out, '["status","--json","a b"]\n')
  assert.match(
    first.err,
    /^koto: installing npm packages \(the lock file changed\) …\nkoto: npm packages installed in \d+ s\.\n$/,
  )
  assert.deepEqual(await koto(['status']), { code: 0, out: '["status"]\n', err: '' })
  assert.deepEqual(asked(), ['npm ci --no-audit --no-fund --loglevel=error'])
  writeFileSync(path.join(root, 'package-lock.json'), '{"packages":{"":{},"node_modules/a":{"version":"2.0.0"}}}')
  await koto(['status'])
  assert.equal(asked().length, 2)
})

test('packages that somebody installed by hand are taken as they are', async () => {
  const { koto, asked, root } = checkout('by-hand')
  mkdirSync(path.join(root, 'node_modules/a'), { recursive: true })
  writeFileSync(path.join(root, 'node_modules/a/package.json'), '{}')
  cpSync(path.join(root, 'package-lock.json'), path.join(root, 'node_modules/.package-lock.json'))
  assert.deepEqual(await koto(['status']), { code: 0, out: '["status"]\n', err: '' })
  assert.deepEqual(asked(), [])
})

test('launchers at once do not disturb each other', async () => {
  const { koto, asked } = checkout('crowd')
  const all = await Promise.all(Array.from({ length: 4 }, () => koto(['status'])))
  assert.deepEqual(
    all.map(one => [one.code, one.out]),
    Array.from({ length: 4 }, () => [0, '["status"]\n']),
  )
  assert.equal(asked().length, 1)
})

test('a failing npm ends it with the log, and the next try installs', async () => {
  const { koto, bin, asked } = checkout('fails')
  const good = readFileSync(path.join(bin, 'npm'), 'utf8')
  script(path.join(bin, 'npm'), 'echo no such package >&2; exit 1\n')
  const { code, err } = await koto(['status'])
  assert.equal(code, 1)
  assert.match(err, /no such package\nkoto: npm ci failed after \d+ s; the whole output is in .*npm-ci\.log\.\n$/)
  writeFileSync(path.join(bin, 'npm'), good)
  assert.equal((await koto(['status'])).code, 0)
  assert.equal(asked().length, 1)
})

test('from any folder, and through links', async () => {
  const { koto, root } = checkout('links')
  const links = path.join(base, 'links/with blanks')
  mkdirSync(links)
  symlinkSync('../tree/koto', path.join(links, 'one'))
  symlinkSync(path.join(links, 'one'), path.join(links, 'two'))
  assert.equal((await koto(['x'], { file: path.join(links, 'two'), cwd: links })).out, '["x"]\n')
  assert.equal((await koto(['x'], { file: './koto', cwd: root })).out, '["x"]\n')
  assert.equal((await koto(['x'], { file: 'with blanks/one', cwd: path.dirname(links) })).out, '["x"]\n')
})

test('missing programs are named; --no-install and --help install nothing', async () => {
  const { koto, asked } = checkout('programs')
  const { err } = await koto(['up', '--no-install'])
  const root = process.getuid?.() === 0
  assert.match(err, /not installed, as told: .*qemu-utils.* To install: apt-get install --no-install-recommends /)
  const help = await koto(['up', '--help'])
  assert.equal(help.err, '')
  await koto(['up', '--', '--no-install'])
  const apt = asked().filter(line => line.startsWith('apt-get'))
  if (root) assert.match(apt.join('\n'), /install --no-install-recommends .*qemu-system-x86/)
  else assert.deepEqual(apt, [])
})

test('the console is built when what it is made of changed, not when only its date did', async () => {
  const { koto, asked, root } = checkout('console')
  mkdirSync(path.join(root, 'web/app'), { recursive: true })
  writeFileSync(path.join(root, 'web/package.json'), '{}')
  writeFileSync(path.join(root, 'web/app/main.ts'), '1')
  const builds = (): number => asked().filter(line => line === 'npm run build -w web').length
  await koto(['up', '--no-install'])
  assert.equal(builds(), 1)
  await koto(['up', '--no-install'])
  await koto(['status'])
  assert.equal(builds(), 1)
  const later = new Date(Date.now() + 60_000)
  const { utimesSync } = await import('node:fs')
  utimesSync(path.join(root, 'web/app/main.ts'), later, later)
  await koto(['up', '--no-install'])
  assert.equal(builds(), 1)
  writeFileSync(path.join(root, 'web/app/main.ts'), '2')
  utimesSync(path.join(root, 'web/app/main.ts'), later, later)
  await koto(['up', '--no-install'])
  assert.equal(builds(), 2)
})

test('without any Node it says what is needed', async () => {
  const { koto, bin } = checkout('no-node')
  rmSync(path.join(bin, 'node'))
  assert.deepEqual(await koto(['status']), {
    code: 1,
    out: '',
    err: 'koto: Koto needs Node 20 or newer with npm to begin: install them and run this again.\n',
  })
})
