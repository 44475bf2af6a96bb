// `koto enter [-- CMD…]`: a command in the cloud's external network, where floating IPs are reachable, with OS_* set.
import { identityOf } from '#host/node/process-table.ts'
import { cloudVariables, STRAY_VARIABLES } from '#host/node/state-dir-clouds.ts'
import { runToEnd } from '#host/node/terminal-run.ts'
import type { StateDir } from '#host/node/state-dir.ts'
import { cloudEntry, readAccess } from '#main/cli/access.ts'
import { textOption, type Command } from '#main/cli/command.ts'
import { stateOf, stateOption } from '#main/cli/state-option.ts'
import { controlClient, NotRunning } from '#main/control/client.ts'

export const enter: Command = {
  args: '',
  options: [
    stateOption,
    {
      flags: '--cloud <name>',
      says: { en: 'whose OS_* variables (default koto)', ja: 'どの利用者の OS_* か(既定 koto)' },
    },
  ],
  takesRest: true,
  notes: { en: "Exit code: the command's.", ja: '終了コードは実行したコマンドのもの。' },
  async run(given) {
    const state = stateOf(given)
    const entry = cloudEntry(textOption(given, 'cloud'))
    const env: NodeJS.ProcessEnv = { ...process.env, ...cloudVariables(entry, readAccess(state)) }
    for (const name of STRAY_VARIABLES) delete env[name]
    const command = given.rest.length > 0 ? given.rest : [process.env['SHELL'] ?? '/bin/sh']
    return await runInside(await entryPrefix(state), command, env)
  },
}

/** Runs a command behind a prefix, with this terminal. Resolves to its exit code, 128 + n when a signal ended it. */
export async function runInside(
  prefix: readonly string[],
  command: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<number> {
  if (prefix.length === 0) {
    process.stderr.write(
      'koto: this cloud has a simulated network: there is nothing to enter; running the command here.\n',
    )
  }
  // Entering a mount namespace forgets the folder one was in.
  const argv = prefix.length === 0 ? command : [...prefix, 'env', '-C', process.cwd(), ...command]
  return await runToEnd(argv, env)
}

/** Argument vector to put before a command. Works also when the control plane was killed and its networks live on. */
export async function entryPrefix(state: StateDir): Promise<readonly string[]> {
  try {
    return await controlClient(state).enterArgv()
  } catch (error) {
    if (!(error instanceof NotRunning)) throw error
    const left = leftBehind(state)
    if (left === null) throw error
    return left
  }
}

/** From the record of the process that holds the namespaces; null when there is none that lives. */
function leftBehind(state: StateDir): readonly string[] | null {
  const text = state.read('network/holder.json')
  if (text === null) return null
  const holder = JSON.parse(text) as { pid: number; startTicks: string; root?: boolean }
  if (identityOf(holder.pid)?.started.endsWith(`:${holder.startTicks}`) !== true) return null
  const user = holder.root === true ? [] : ['-U', '--preserve-credentials']
  return ['nsenter', '-t', String(holder.pid), ...user, '-m', `--net=/proc/${holder.pid}/root/run/netns/external`, '--']
}
