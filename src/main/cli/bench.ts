// `koto bench`: the same questions as were asked of a real OpenStack, put to an ephemeral cloud of its own; figures and ratios.
import { writeFileSync } from 'node:fs'
import os from 'node:os'
import { systemClock } from '#kernel/lib/clock.ts'
import { Refusal } from '#kernel/config/refusal.ts'
import { apiSession, type ApiLogin, type ApiSession } from '#host/node/api-session.ts'
import { memoryMbOf } from '#host/node/process-table.ts'
import { openState, statePath, temporaryState, type StateDir } from '#host/node/state-dir.ts'
import { stayAwake } from '#host/node/terminal-run.ts'
import { readAccess } from '#main/cli/access.ts'
import { burstBoots, singleBoots } from '#main/cli/bench/boots.ts'
import { runCases } from '#main/cli/bench/cases.ts'
import { makeDataSet } from '#main/cli/bench/data-set.ts'
import { cpuMeter } from '#main/cli/bench/measure.ts'
import { bootLines, caseLines, readPeer, readRun, type BenchRun } from '#main/cli/bench/report.ts'
import { flagOption, listOption, textOption, type Command, type Given } from '#main/cli/command.ts'
import { jsonOption, printJson } from '#main/cli/state-option.ts'
import { startDetached } from '#main/cli/up-detach.ts'
import { version } from '#main/cli/version.ts'
import { controlClient } from '#main/control/client.ts'

export const bench: Command = {
  args: '',
  options: [
    jsonOption,
    { flags: '--requests <n>', says: { en: 'per case (200)', ja: 'ケースごとの要求数(200)' } },
    { flags: '--at-once <list>', says: { en: 'widths, e.g. 1,8', ja: '同時数。例: 1,8' } },
    {
      flags: '--only <word>',
      many: true,
      says: { en: 'only cases whose name has this in it', ja: '名前にこれを含むケースだけ' },
    },
    { flags: '--servers <n>', says: { en: 'servers in the data set (100)', ja: 'データのサーバー数(100)' } },
    {
      flags: '--bursts <list>',
      says: { en: 'boot bursts (50,100); none leaves them out', ja: '一斉起動の台数(50,100)。none で省く' },
    },
    { flags: '--singles <n>', says: { en: 'boots one after the other (10)', ja: '一台ずつの起動回数(10)' } },
    { flags: '--save <file>', says: { en: 'store this run', ja: '結果を保存する' } },
    { flags: '--against <file>', says: { en: 'compare with a stored run', ja: '保存した結果と比べる' } },
    {
      flags: '--state <dir>',
      says: {
        en: 'a cloud that is up, instead of one of its own',
        ja: '専用のクラウドの代わりに、起動中のクラウドを使う',
      },
    },
    {
      flags: '--set <service.option=value>',
      many: true,
      says: { en: 'for its own cloud', ja: '専用クラウドのオプション' },
    },
  ],
  notes: {
    en: 'Its own cloud is ephemeral, with simulated hypervisor and network, on a free port. Ratios say how many times less we need.',
    ja: '専用クラウドは一時的で、ハイパーバイザーとネットワークは模擬、ポートは空きを使う。比は「何分の一で済むか」を示す。',
  },
  async run(given) {
    const against = textOption(given, 'against')
    const stored = against === undefined ? null : readRun(against)
    const run = await stayAwake(() => measure(given, stored))
    const save = textOption(given, 'save')
    if (save !== undefined) writeFileSync(save, `${JSON.stringify(run)}\n`)
    if (flagOption(given, 'json')) printJson(run)
    return run.cases.every(one => one.errors === 0) ? 0 : 1
  },
}

const numbers = (text: string): number[] => (text === 'none' ? [] : text.split(',').map(Number))
const count = (given: Given, name: string, usual: number): number => {
  const value = Number(textOption(given, name) ?? usual)
  if (!Number.isInteger(value) || value < 0) throw new Refusal(`--${name} must be a whole number.`, 2)
  return value
}

interface Bench {
  readonly state: StateDir
  readonly pid: number
  readonly readyS: number | null
  readonly end: () => Promise<void>
}

async function measure(given: Given, stored: ReturnType<typeof readRun> | null): Promise<BenchRun> {
  const quiet = flagOption(given, 'json')
  const say = (text: string): void => void (quiet ? process.stderr : process.stdout).write(text)
  const clock = systemClock()
  const cloud = await cloudFor(given)
  let api: ApiSession | null = null
  try {
    const access = readAccess(cloud.state)
    const login: ApiLogin = { ...access, user: 'admin', project: 'admin' }
    api = await apiSession(login)
    const idleMb = memoryMbOf(cloud.pid)
    const meter = cpuMeter(cloud.pid, clock)
    const set = await makeDataSet(api, clock, { servers: count(given, 'servers', 100), networks: 10, volumes: 20 })
    const wish = {
      login,
      requests: count(given, 'requests', 200),
      warm: 10,
      concurrency: numbers(textOption(given, 'atOnce') ?? '1,8'),
      only: listOption(given, 'only'),
    }
    const cases: BenchRun['cases'][number][] = []
    for await (const line of runCases(api, wish, clock, meter)) cases.push(line)
    if (!quiet) say(`${caseLines(cases, readPeer(), stored)}\n`)
    const times = count(given, 'singles', 10)
    const single = times === 0 ? null : await singleBoots(api, set, clock, times)
    const bursts = []
    for (const servers of numbers(textOption(given, 'bursts') ?? '50,100'))
      bursts.push(await burstBoots(api, set, clock, meter, servers))
    const run: BenchRun = {
      at: new Date(clock.now()).toISOString(),
      version: version(),
      machine: `${os.availableParallelism()} × ${os.cpus()[0]?.model ?? 'unknown'}, Node ${process.versions.node}`,
      ready_s: cloud.readyS,
      idle_mb: idleMb,
      loaded_mb: memoryMbOf(cloud.pid),
      cases,
      single,
      bursts,
    }
    if (!quiet) say(bootLines(run, readPeer(), stored))
    return run
  } finally {
    api?.close()
    await cloud.end()
  }
}

/** An ephemeral cloud of its own, or the one named by `--state`. */
async function cloudFor(given: Given): Promise<Bench> {
  const named = textOption(given, 'state')
  if (named !== undefined) {
    const state = openState(statePath(named, process.env))
    return { state, pid: (await controlClient(state).summary()).pid, readyS: null, end: async () => undefined }
  }
  const dir = temporaryState()
  const flags: [string, string][] = [
    ['koto.port', '0'],
    ['koto.hypervisor', 'simulated'],
    ['koto.network', 'simulated'],
    ...listOption(given, 'set').map((text): [string, string] => [
      text.split('=')[0] ?? '',
      text.slice(text.indexOf('=') + 1),
    ]),
  ]
  const { summary } = await startDetached(
    { dir, ephemeral: true, localrc: '/dev/null', flags },
    systemClock().now(),
    () => undefined,
  )
  const state = openState(dir)
  const end = (): Promise<void> => controlClient(state).down({ keepGuests: false, remove: true })
  return { state, pid: summary.pid, readyS: summary.seconds, end }
}
