// `koto clean`: down, then everything Koto made goes: processes, mounts, loop devices, the state folder. Harmless to repeat.
import { existsSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import { createExec } from '#host/node/exec.ts'
import { argvOf, markedProcesses, programOf } from '#host/node/process-table.ts'
import { endProcesses } from '#host/node/process-table-end.ts'
import { lockHolder, takeLock } from '#host/node/state-dir-lock.ts'
import type { StateDir } from '#host/node/state-dir.ts'
import { Refusal } from '#kernel/config/refusal.ts'
import { flagOption, type Command } from '#main/cli/command.ts'
import { stopCloud } from '#main/cli/down.ts'
import { stateOf, stateOption } from '#main/cli/state-option.ts'
import { controlClient, NotRunning } from '#main/control/client.ts'

export const clean: Command = {
  args: '',
  options: [stateOption, { flags: '--dry-run', says: { en: 'only list what would go', ja: '消すものを表示するだけ' } }],
  async run(given) {
    const state = stateOf(given)
    if (!existsSync(state.path)) {
      process.stdout.write(`Nothing to clean: there is no ${state.path}.\n`)
      return 0
    }
    if (!isOurs(state)) throw new Refusal(`${state.path} is not a state folder of Koto's; nothing was removed.`)
    if (flagOption(given, 'dryRun')) {
      for (const line of await plan(state)) process.stdout.write(`${line}\n`)
      return 0
    }
    await stopCloud(state, { keepGuests: false, remove: true })
    if (existsSync(state.path)) {
      const other = takeLock(state.path) // so that no `up` begins in a folder that is about to go
      if (other !== null)
        throw new Refusal(
          `Another koto (process ${other.pid}) has just begun on ${state.path}; nothing more was removed.`,
        )
      const left = markedProcesses(state.path)
      await endProcesses(left)
      await releaseDevices(state)
      removeFolder(state)
    }
    process.stdout.write(`Cleaned: ${state.path} and all that belonged to it.\n`)
    return 0
  },
}

/** A folder is removed only when a cloud has lived in it. */
const isOurs = (state: StateDir): boolean =>
  ['format', 'lock', 'lock.guard'].some(name => existsSync(state.file(name))) || onlyLogs(state)

/** What a start that never got further leaves. */
const onlyLogs = (state: StateDir): boolean => readdirSync(state.path).every(name => name === 'log')

/** One line per thing that would go. */
async function plan(state: StateDir): Promise<string[]> {
  const lines: string[] = []
  try {
    lines.push(...(await controlClient(state).cleanPlan()))
  } catch (error) {
    if (!(error instanceof NotRunning)) throw error
  }
  const holder = lockHolder(state.path)
  if (holder !== null) lines.push(`process ${holder.pid}: the cloud itself`)
  for (const pid of markedProcesses(state.path)) {
    if (pid !== holder?.pid) lines.push(`process ${pid}: ${programOf(pid) || argvOf(pid)[0] || '?'}`)
  }
  for (const mount of mountsUnder(state.path)) lines.push(`mount ${mount}`)
  for (const device of await loopsUnder(state.path)) lines.push(`loop device ${device}`)
  lines.push(`folder ${state.path}`)
  return [...new Set(lines)]
}

/** Mount points inside the folder, deepest first. */
function mountsUnder(dir: string): string[] {
  let text: string
  try {
    text = readFileSync('/proc/self/mountinfo', 'utf8')
  } catch {
    return []
  }
  const unescape = (name: string): string =>
    name.replace(/\\(\d{3})/g, (_all, octal: string) => String.fromCharCode(parseInt(octal, 8)))
  return text
    .split('\n')
    .map(line => unescape(line.split(' ')[4] ?? ''))
    .filter(point => point.startsWith(`${dir}/`))
    .sort((a, b) => b.length - a.length)
}

/** Loop devices whose file lies inside the folder. */
async function loopsUnder(dir: string): Promise<string[]> {
  if (!existsSync('/sys/block')) return []
  return readdirSync('/sys/block')
    .filter(name => name.startsWith('loop'))
    .filter(name => {
      const file = path.join('/sys/block', name, 'loop/backing_file')
      return existsSync(file) && readFileSync(file, 'utf8').trim().startsWith(`${dir}/`)
    })
    .map(name => `/dev/${name}`)
}

async function releaseDevices(state: StateDir): Promise<void> {
  const exec = createExec()
  for (const mount of mountsUnder(state.path)) await exec.run(['umount', '-l', mount], { anyCode: true })
  for (const device of await loopsUnder(state.path)) await exec.run(['losetup', '-d', device], { anyCode: true })
}

/** What says that the folder is ours goes last, so that an interrupted clean can be run again. */
function removeFolder(state: StateDir): void {
  const last = new Set(['format', 'lock', 'lock.guard'])
  for (const name of readdirSync(state.path))
    if (!last.has(name)) rmSync(state.file(name), { recursive: true, force: true, maxRetries: 3 })
  rmSync(state.path, { recursive: true, force: true, maxRetries: 3 })
}
