// `koto up`: prints how to use the cloud that runs already, or starts one here (foreground) or on its own (-d).
import { performance } from 'node:perf_hooks'
import { systemClock } from '#kernel/lib/clock.ts'
import { Refusal } from '#kernel/config/refusal.ts'
import { painter, harmless } from '#host/node/terminal.ts'
import { openState, statePath } from '#host/node/state-dir.ts'
import type { LogLine } from '#host/node/log-file.ts'
import { flagOption, listOption, textOption, type Command, type Given } from '#main/cli/command.ts'
import { startDetached } from '#main/cli/up-detach.ts'
import { startHere, type UpWish } from '#main/cli/up-run.ts'
import { localStamp, summaryJson, summaryText } from '#main/cli/up-summary.ts'
import { readSettings } from '#main/cli/settings.ts'
import { controlClient, NotRunning } from '#main/control/client.ts'
import type { UpSummary } from '#main/control/control.ts'
import { isQuietRequest } from '#main/control/request-log.ts'

export const up: Command = {
  args: '',
  options: [
    {
      flags: '-d, --detach',
      says: { en: 'return when ready; the cloud runs on', ja: '準備ができたら戻る。クラウドは動き続ける' },
    },
    {
      flags: '--state <dir>',
      says: {
        en: 'everything Koto keeps (default: $KOTO_STATE, $XDG_STATE_HOME/koto, ~/.local/state/koto)',
        ja: 'Koto が保持するすべて(既定: $KOTO_STATE、$XDG_STATE_HOME/koto、~/.local/state/koto)',
      },
    },
    {
      flags: '--ephemeral',
      says: {
        en: 'state in memory and a temporary folder, gone on exit',
        ja: '状態はメモリと一時フォルダーに置き、終了時に消す',
      },
    },
    {
      flags: '--bind <addr>',
      says: { en: 'where the one front door listens (127.0.0.1)', ja: '待ち受けるアドレス(127.0.0.1)' },
    },
    { flags: '--port <n>', says: { en: 'its port (8080)', ja: 'ポート(8080)' } },
    {
      flags: '--classic-ports',
      says: { en: 'also 5000, 8774, 8776, 8778, 9292, 9696', ja: '5000、8774、8776、8778、9292、9696 でも待ち受ける' },
    },
    {
      flags: '--hypervisor <which>',
      choices: ['auto', 'qemu', 'simulated'],
      says: { en: 'what runs guests', ja: 'ゲストを動かすもの' },
    },
    {
      flags: '--network <which>',
      choices: ['auto', 'linux', 'simulated'],
      says: { en: 'what carries packets', ja: 'パケットを運ぶもの' },
    },
    {
      flags: '--hosts <n>',
      says: { en: 'simulated compute hosts beside the real one', ja: '実ホストに加える模擬ホストの数' },
    },
    {
      flags: '--localrc <file>',
      says: {
        en: "DevStack-style settings (default: ./localrc, ./local.conf, then the state folder's)",
        ja: 'DevStack 形式の設定(既定: ./localrc、./local.conf、状態フォルダーのもの)',
      },
    },
    {
      flags: '--set <service.option=value>',
      many: true,
      says: { en: 'any declared option; koto config explains them', ja: '任意のオプション。一覧は koto config' },
    },
    { flags: '--json', says: { en: 'one JSON line when ready', ja: '準備ができたら JSON を一行出す' } },
    { flags: '--no-install', says: { en: 'never install missing packages', ja: '足りないパッケージを入れない' } },
  ],
  notes: {
    en: [
      'Ctrl-C stops in order, guests too; they come back with the next up. SIGTERM stops the control plane only: guests run on',
      'and are adopted by the next up. Exit codes: 0 ready, or stopped in order; 1 could not start; 2 wrong use.',
    ].join('\n'),
    ja: [
      'Ctrl-C で順に停止し、ゲストも止まる(次の up で戻る)。SIGTERM では制御面だけが止まり、ゲストは動き続けて次の up に引き継がれる。',
      '終了コード: 0 準備完了または正常停止、1 起動できない、2 使い方の誤り。',
    ].join('\n'),
  },
  async run(given) {
    const beganMs = performance.timeOrigin
    const wish = wishOf(given)
    if (wish.dir !== undefined) {
      const running = await runningSummary(wish.dir)
      if (running !== null) {
        print(running, passwordOf(wish), flagOption(given, 'json'))
        return 0
      }
    }
    if (flagOption(given, 'detach')) {
      const { summary, password } = await startDetached(wish, beganMs, says => process.stderr.write(`koto: ${says}\n`))
      print(summary, password, flagOption(given, 'json'))
      return 0
    }
    return await inForeground(wish, beganMs, flagOption(given, 'json'))
  },
}

/** Flags that have a `koto.` option of their own. */
const OPTION_FLAGS = ['bind', 'port', 'hypervisor', 'network', 'hosts'] as const

export function wishOf(given: Given): UpWish {
  const flags: [string, string][] = []
  for (const text of listOption(given, 'set')) {
    const at = text.indexOf('=')
    if (at < 1) throw new Refusal(`--set ${text}: write it as service.option=value.`, 2)
    flags.push([text.slice(0, at), text.slice(at + 1)])
  }
  for (const name of OPTION_FLAGS) {
    const value = textOption(given, name)
    if (value !== undefined) flags.push([`koto.${name}`, value])
  }
  if (flagOption(given, 'classicPorts')) flags.push(['koto.classic_ports', 'true'])
  const ephemeral = flagOption(given, 'ephemeral')
  const named = textOption(given, 'state')
  return {
    dir: ephemeral ? named : statePath(named, process.env),
    ephemeral,
    localrc: textOption(given, 'localrc'),
    flags,
  }
}

/** What the cloud on this folder says of itself, or null when there is none that answers. */
async function runningSummary(dir: string): Promise<UpSummary | null> {
  try {
    return await controlClient(openState(dir)).summary()
  } catch (error) {
    if (error instanceof NotRunning) return null
    throw error
  }
}

/** Of a cloud that runs: as its folder keeps it. */
function passwordOf(wish: UpWish): string {
  const given = { localrc: undefined, flags: [], cwd: '/', env: {} }
  return readSettings(openState(wish.dir ?? '/'), given).passwords.admin ?? ''
}

function print(summary: UpSummary, password: string, json: boolean): void {
  for (const notice of summary.notices) process.stderr.write(`koto: ${notice}\n`)
  process.stdout.write(json ? summaryJson(summary) : summaryText(summary, password, systemClock().now()))
}

async function inForeground(wish: UpWish, beganMs: number, json: boolean): Promise<number> {
  const { startCloud } = await import('#main/main.ts')
  const interrupt = new AbortController()
  let signals = 0
  let stop: ((signal: NodeJS.Signals) => void) | null = null
  const onSignal = (signal: NodeJS.Signals): void => {
    signals += 1
    if (signals > 1) process.exit(130) // asked twice: at once; the next up mends what was under way
    process.stderr.write('\nkoto: stopping in order; once more stops at once.\n')
    interrupt.abort()
    stop?.(signal)
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal)

  const running = await startHere(wish, startCloud, {
    signal: interrupt.signal,
    progress: says => process.stderr.write(`koto: ${says}\n`),
    beganMs: beganMs - performance.timeOrigin,
  })
  print(running.summary, running.password, json)
  const unwatch = running.logs.watch(line => show(line))
  stop = signal => void running.stop({ keepGuests: signal === 'SIGTERM' })
  if (interrupt.signal.aborted) stop('SIGINT')
  try {
    await running.over
  } catch (error) {
    throw new Refusal(`The cloud ended by itself: ${error instanceof Error ? error.message : String(error)}`)
  } finally {
    unwatch()
  }
  process.stderr.write('koto: stopped.\n')
  return 0
}

/** The calm view: what changed, without the requests that asked for it. */
function show(line: LogLine): void {
  if (line.level === 'DEBUG' || isQuietRequest(line.message)) return
  const paint = painter(process.stdout)
  const colour = line.level === 'ERROR' ? 'red' : line.level === 'WARNING' ? 'yellow' : null
  const says = harmless(line.message.split('\n')[0] ?? '')
  const time = localStamp(line.at).slice(11, 19)
  process.stdout.write(
    `${paint('dim', time)} ${line.service.padEnd(20)} ${colour === null ? says : paint(colour, says)}\n`,
  )
}
