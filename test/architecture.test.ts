// Who may import whom, what each room may hold, and the other house rules, as tables; the judge reads every file of the tree.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { judge, type House } from './architecture/judge.ts'
import { readTree } from './architecture/tree.ts'

const HOUSE: House = {
  // Read downward: nothing may point upward.
  mayImport: { kernel: [], host: ['kernel'], services: ['kernel', 'host'], main: ['kernel', 'host', 'services'] },

  // What a room of a service may import of its own service. `*` is everything; a file in the service's own folder is a room by its name.
  rooms: {
    contract: [],
    api: ['domain', 'dialect'],
    domain: ['db', 'rpc', 'sagas', 'config'],
    db: [],
    sagas: ['rpc'],
    reconcilers: ['rpc'],
    actors: ['rpc', 'drivers', 'sagas', 'config'],
    drivers: ['config'],
    service: ['*'],
    compose: ['*'],
    rpc: [],
    config: [],
    dialect: [],
  },
  // `import type` may reach further: types are gone when the program runs, and a saga must know the tools it is given.
  typesToo: {
    api: ['db', 'rpc'],
    domain: ['drivers', 'actors'],
    db: ['domain', 'rpc', 'sagas'],
    rpc: ['db', 'drivers', 'domain'],
    sagas: ['domain', 'db', 'actors', 'drivers'],
    reconcilers: ['domain', 'db', 'actors', 'drivers'],
    actors: ['domain', 'db'],
  },
  // Rooms that may speak to other services, by their contracts only.
  speaksToOthers: ['domain', 'actors', 'sagas', 'reconcilers', 'service', 'compose', 'api'],

  kernelPackages: ['kysely', 'ajv', 'find-my-way', 'ipaddr.js', 're2js'],
  // Time, chance and the outside world come in as arguments. Only these may ask for themselves.
  forbiddenGlobals: [
    'Date.now',
    'new Date()',
    'performance.now',
    'setTimeout',
    'setInterval',
    'Math.random',
    'fetch',
    'crypto.randomUUID',
    'crypto.getRandomValues',
  ],
  globalsAllowedIn: ['src/host/', 'src/kernel/lib/clock.ts', 'src/kernel/lib/ids.ts'],
  childProcessAllowedIn: ['src/host/'],
  defaultExportAllowedIn: ['web/app/pages/', 'web/vite.config.ts', 'test/run/reporter.ts'],
  longest: 500,
}

const root = fileURLToPath(new URL('..', import.meta.url))

test('every line knows its room', () => {
  const found = judge(readTree(root), HOUSE)
  assert.equal(found.length, 0, `\n${found.join('\n')}\n`)
})

/** Files of a small tree that keeps all rules; each case below adds one that does not. */
const GOOD: Readonly<Record<string, string>> = {
  'src/kernel/lib/clock.ts': '// Time.\nexport const now = (): number => Date.now()\n',
  'src/kernel/contract/shape.ts': '// Shapes.\nexport const shape = 1\n',
  'src/host/node/files.ts':
    "// Files.\nimport { readFileSync } from 'node:fs'\nimport { shape } from '#kernel/contract/shape.ts'\nexport const x = [readFileSync, shape]\n",
  'src/services/nova/contract/servers.ts':
    "// Servers.\nimport { shape } from '#kernel/contract/shape.ts'\nexport const servers = shape\n",
  'src/services/cinder/contract/volumes.ts': '// Volumes.\nexport const volumes = 1\n',
  'src/services/nova/db/servers.ts':
    "// Rows.\nimport { servers } from '#services/nova/contract/servers.ts'\nexport const rows = servers\n",
  'src/services/nova/domain/servers.ts':
    "// Verbs.\nimport { rows } from '#services/nova/db/servers.ts'\nimport { volumes } from '#services/cinder/contract/volumes.ts'\nexport const boot = [rows, volumes]\n",
}

const CASES: readonly (readonly [name: string, file: string, text: string, expected: RegExp])[] = [
  [
    'kernel imports host',
    'src/kernel/lib/a.ts',
    "// A.\nimport { x } from '#host/node/files.ts'\nexport const a = x\n",
    /src\/kernel\/lib\/a\.ts:2 → #host\/node\/files\.ts: kernel may not import host/,
  ],
  [
    'kernel imports node',
    'src/kernel/lib/a.ts',
    "// A.\nimport fs from 'node:fs'\nexport const a = fs\n",
    /node:fs: only host, drivers and main know Node/,
  ],
  [
    'kernel takes a package',
    'src/kernel/lib/a.ts',
    "// A.\nimport { x } from 'fastify'\nexport const a = x\n",
    /fastify: the kernel takes only/,
  ],
  [
    'contract reaches out',
    'src/services/nova/contract/a.ts',
    "// A.\nimport { now } from '#kernel/lib/clock.ts'\nexport const a = now\n",
    /a contract imports only kernel\/contract/,
  ],
  [
    'a private room',
    'src/services/nova/domain/a.ts',
    "// A.\nimport { x } from '#services/cinder/domain/volumes.ts'\nexport const a = x\n",
    /another service's private room/,
  ],
  [
    'api touches db',
    'src/services/nova/api/a.ts',
    "// A.\nimport { rows } from '#services/nova/db/servers.ts'\nexport const a = rows\n",
    /api may not import db/,
  ],
  [
    'domain touches host',
    'src/services/nova/domain/a.ts',
    "// A.\nimport { x } from '#host/node/files.ts'\nexport const a = x\n",
    /only drivers may import host/,
  ],
  [
    'a driver imports another',
    'src/services/nova/drivers/hypervisor-qemu/a.ts',
    "// A.\nimport { x } from '#services/nova/drivers/hypervisor-simulated/b.ts'\nexport const a = x\n",
    /another driver/,
  ],
  [
    'somebody imports main',
    'src/host/node/a.ts',
    "// A.\nimport { x } from '#main/cli/cli.ts'\nexport const a = x\n",
    /host may not import main/,
  ],
  [
    'a relative path',
    'src/kernel/lib/a.ts',
    "// A.\nimport { now } from './clock.ts'\nexport const a = now\n",
    /relative path/,
  ],
  [
    'child_process in main',
    'src/main/a.ts',
    "// A.\nimport { spawn } from 'node:child_process'\nexport const a = spawn\n",
    /only host starts processes/,
  ],
  [
    'asks the time',
    'src/services/nova/domain/a.ts',
    '// A.\nexport const a = () => Date.now()\n',
    /Date\.now: time, chance/,
  ],
  [
    'bare fetch',
    'src/services/nova/domain/a.ts',
    "// A.\nexport const a = () => fetch('http://x')\n",
    /fetch: time, chance/,
  ],
  ['a date of now', 'src/kernel/lib/a.ts', '// A.\nexport const a = () => new Date()\n', /new Date\(\): time/],
  [
    'mutable state',
    'src/kernel/lib/a.ts',
    '// A.\nlet count = 0\nexport const a = () => ++count\n',
    /mutable state at module level/,
  ],
  [
    'a cache at module level',
    'src/kernel/lib/a.ts',
    '// A.\nconst cache = new Map<string, number>()\nexport const a = cache\n',
    /mutable state at module level/,
  ],
  ['default export', 'src/kernel/lib/a.ts', '// A.\nexport default 1\n', /default export/],
  ['barrel', 'src/kernel/lib/a.ts', "// A.\nexport * from '#kernel/lib/clock.ts'\n", /re-export/],
  ['too long', 'src/kernel/lib/a.ts', `// A.\n${'export {}\n'.repeat(500)}`, /501 lines, at most 500/],
  ['no opening words', 'src/kernel/lib/a.ts', 'export const a = 1\n', /opens without saying what it is for/],
  ['not kebab-case', 'src/kernel/lib/aB.ts', '// A.\nexport const a = 1\n', /kebab-case/],
  ['an unknown room', 'src/services/nova/helpers/a.ts', '// A.\nexport const a = 1\n', /no such room/],
  ['an unknown kind of file', 'src/kernel/lib/a.js', '// A.\n', /unknown kind of file/],
  [
    'web reaches inside',
    'web/app/a.ts',
    "// A.\nimport { x } from '#services/nova/domain/servers.ts'\nexport const a = x\n",
    /the console imports only contracts/,
  ],
  ['a TODO', 'src/kernel/lib/a.ts', '// A. TODO: later\nexport const a = 1\n', /TODO/],
]

test('the judge finds nothing in a small good house', () => {
  assert.deepEqual(judge(new Map(Object.entries(GOOD)), HOUSE), [])
})

for (const [name, file, text, expected] of CASES) {
  test(`the judge finds a planted violation: ${name}`, () => {
    const found = judge(new Map(Object.entries({ ...GOOD, [file]: text })), HOUSE)
    assert.match(found.join('\n'), expected)
    assert.equal(found.length, 1, found.join('\n'))
  })
}

test('the judge finds a planted cycle', () => {
  const cycle = {
    'src/kernel/lib/a.ts': "// A.\nimport { b } from '#kernel/lib/b.ts'\nexport const a = () => b\n",
    'src/kernel/lib/b.ts': "// B.\nimport { a } from '#kernel/lib/a.ts'\nexport const b = () => a\n",
  }
  const found = judge(new Map(Object.entries({ ...GOOD, ...cycle })), HOUSE)
  assert.deepEqual(found, ['src/kernel/lib/a.ts → src/kernel/lib/b.ts → src/kernel/lib/a.ts: a cycle'])
})

test('words in comments and strings are no violations', () => {
  const text = [
    "// Says Date.now() and fetch(x) and import { y } from '#host/z.ts' in a comment.",
    "export const a = 'Date.now()' + `fetch(${1}) let x` + String(/setTimeout\\('/.source)",
    "export const b = { fetch: 1 }.fetch + ('x/y' as string).length / 2 // setTimeout(",
    '',
  ].join('\n')
  assert.deepEqual(judge(new Map(Object.entries({ ...GOOD, 'src/kernel/lib/a.ts': text })), HOUSE), [])
})
