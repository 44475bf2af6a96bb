// `koto down`: an orderly stop of the cloud on a state folder, or of what a killed one left running.
import { Refusal } from '#kernel/config/refusal.ts'
import { isAlive, markedProcesses } from '#host/node/process-table.ts'
import { endProcesses, whenGone } from '#host/node/process-table-end.ts'
import { lockHolder } from '#host/node/state-dir-lock.ts'
import type { StateDir } from '#host/node/state-dir.ts'
import { flagOption, type Command } from '#main/cli/command.ts'
import { stateOf, stateOption } from '#main/cli/state-option.ts'
import { controlClient, NotRunning } from '#main/control/client.ts'
import type { DownOptions } from '#main/control/control.ts'

export const down: Command = {
  args: '',
  options: [
    stateOption,
    {
      flags: '--keep-guests',
      says: {
        en: 'stop the control plane only; guests run on and are adopted by the next up',
        ja: '制御面だけを止める。ゲストは動き続け、次の up に引き継がれる',
      },
    },
  ],
  async run(given) {
    const state = stateOf(given)
    const keepGuests = flagOption(given, 'keepGuests')
    const stopped = await stopCloud(state, { keepGuests })
    const left = keepGuests ? [] : markedProcesses(state.path)
    await endProcesses(left)
    if (stopped) process.stderr.write(keepGuests ? 'koto: stopped; guests run on.\n' : 'koto: stopped.\n')
    else if (left.length > 0)
      process.stderr.write(`koto: ended ${left.length} processes that a killed cloud had left.\n`)
    else process.stderr.write(`koto: no cloud was running on ${state.path}.\n`)
    return 0
  },
}

/** Stops the cloud on this folder and waits until its process is gone. False when there was none. */
export async function stopCloud(state: StateDir, how: DownOptions): Promise<boolean> {
  const holder = lockHolder(state.path)
  if (holder === null) return false
  try {
    await controlClient(state).down(how)
  } catch (error) {
    if (!(error instanceof NotRunning)) throw error
    // It is starting, or stopping, and does not listen: a signal means the same to it.
    if (isAlive(holder)) process.kill(holder.pid, how.keepGuests ? 'SIGTERM' : 'SIGINT')
  }
  const left = await whenGone([holder], 60_000)
  if (left.length > 0)
    throw new Refusal(`The cloud's process ${holder.pid} does not end; kill -9 it, then run koto down again.`)
  return true
}
