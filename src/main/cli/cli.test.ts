import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { overview } from '#main/cli/cli.ts'
import { commands } from '#main/cli/commands.ts'
import { journeyText } from '#main/cli/journey.ts'
import { languageOf } from '#main/cli/language.ts'
import { readWords } from '#main/cli/read-words.ts'
import { duration } from '#main/cli/status.ts'
import { whyText } from '#main/cli/why.ts'

const door = fileURLToPath(new URL('../../../bin/koto.js', import.meta.url))
const koto = (
  words: readonly string[],
  env: Record<string, string> = {},
): { code: number | null; out: string; err: string } => {
  const done = spawnSync(process.execPath, ['--conditions=koto-source', door, ...words], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent', ...env },
  })
  return { code: done.status, out: done.stdout, err: done.stderr }
}

test('every command of the contract is in the table, and its help speaks both languages', async () => {
  const wanted =
    'up down clean status env enter ssh journey why logs audit exercise routes config doctor test bench run'
  assert.equal(commands.map(row => row.name).join(' '), wanted)
  for (const row of commands) {
    const command = await row.load()
    for (const language of ['en', 'ja'] as const) {
      const read = await readWords(row, command, ['--help'], language)
      assert.equal(read.kind, 'help')
      if (read.kind === 'help')
        assert.ok(read.text.includes(row.says[language].slice(0, 20)), `${row.name} in ${language}`)
    }
  }
})

test('an unknown command or option is one line that names the nearest, exit 2', () => {
  assert.deepEqual(koto(['staus']), {
    code: 2,
    out: '',
    err: 'koto: there is no command staus; the nearest is status.\n',
  })
  assert.deepEqual(koto(['--hlep']), {
    code: 2,
    out: '',
    err: 'koto: there is no option --hlep; the nearest is --help.\n',
  })
  assert.deepEqual(koto(['up', '--detatch']), {
    code: 2,
    out: '',
    err: 'koto up: there is no option --detatch; the nearest is --detach.\n',
  })
  assert.deepEqual(
    koto(['staus'], { LANG: 'ja_JP.UTF-8' }).err,
    'koto: staus というコマンドはありません。最も近いのは status です。\n',
  )
  assert.equal(koto(['journey']).code, 2)
  assert.equal(koto(['status', 'extra']).code, 2)
  assert.equal(koto([]).code, 2)
})

test('commands about a cloud that is not there', () => {
  const state = ['--state', '/nonexistent/koto']
  assert.deepEqual(koto(['status', ...state]), {
    code: 3,
    out: 'down: no cloud is running on /nonexistent/koto\n',
    err: '',
  })
  assert.equal(koto(['status', '--json', ...state]).out, '{"up":false,"state":"/nonexistent/koto","starting":false}\n')
  assert.equal(koto(['down', ...state]).code, 0)
  assert.equal(koto(['clean', ...state]).code, 0)
  assert.deepEqual(koto(['clean', '--state', '/usr']), {
    code: 1,
    out: '',
    err: "koto: /usr is not a state folder of Koto's; nothing was removed.\n",
  })
  for (const words of [['env'], ['journey', 'x'], ['audit'], ['enter'], ['ssh', 'x'], ['logs']]) {
    const { code, err } = koto([...words, ...state])
    assert.ok(code !== 0 && /^koto: [^\n]+\n$/.test(err), `${words.join(' ')}: ${code} ${err}`)
  }
  assert.equal(koto(['config', 'koto.port', ...state]).code, 0)
})

test('the language is the first locale variable that is set', () => {
  assert.equal(languageOf({ LANG: 'ja_JP.UTF-8' }), 'ja')
  assert.equal(languageOf({ LANG: 'ja_JP.UTF-8', LC_ALL: 'C' }), 'en')
  assert.equal(languageOf({ LANG: 'ja', LC_ALL: '' }), 'ja')
  assert.equal(languageOf({ LANG: 'jam_JM' }), 'en')
  assert.ok(overview('ja').includes('使い方'))
})

test('what is after the two dashes is the command to run, options and all', async () => {
  const row = commands.find(one => one.name === 'ssh')
  assert.ok(row)
  const read = await readWords(row, await row.load(), ['web', '-l', 'root', '--', 'ls', '-l', '--', 'x'], 'en')
  assert.equal(read.kind, 'given')
  if (read.kind !== 'given') return
  assert.deepEqual(read.given.args, ['web'])
  assert.equal(read.given.options['login'], 'root')
  assert.deepEqual(read.given.rest, ['ls', '-l', '--', 'x'])
})

test('reasons are a tree, and nothing in them reaches the terminal as a command', () => {
  const because = [
    { who: 'RamFilter', says: 'too little\u001b[2J', has: 1, wants: 2, because: [{ who: 'host', says: 'full' }] },
  ]
  const text = whyText({ id: 'x', kind: 'server', says: 'No valid host', because, nearest: 'a smaller flavor' })
  assert.equal(
    text,
    'No valid host\n└ RamFilter: too little\\x1b[2J (has 1, wants 2)\n  └ host: full\n\nWhat would help: a smaller flavor\n',
  )
})

test('the journey stands in columns', () => {
  const row = {
    at_ms: 12.44,
    ms: 0.8,
    kind: 'call',
    request_id: 'req-1',
    task: 'scheduling',
    status: 'BUILD',
    detail: { host: 'a' },
  }
  const text = journeyText([{ ...row, step: 8, from: 'nova-api', to: 'nova-scheduler', name: 'select_destinations' }])
  assert.match(text, /^ 8 +12\.4 +0\.8 +nova-api +nova-scheduler +call +select_destinations +scheduling +host=a$/m)
})

test('durations', () => {
  assert.deepEqual([0.2, 59, 61, 3_600, 90_061].map(duration), ['0 s', '59 s', '1 min 1 s', '1 h', '1 d 1 h'])
})
