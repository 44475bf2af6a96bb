// A guest put aside keeps its folder under another root; made anew elsewhere it stands on copies of the disks in it.
import { mkdir, readFile, readdir, rename, rm, stat } from 'node:fs/promises'
import { makeOwnDisks, takeVolumeOut } from '#services/nova/drivers/hypervisor-qemu/disks.ts'
import type { GuestRecord } from '#services/nova/drivers/hypervisor-qemu/guest-store.ts'
import { destroyGuest, start, stop } from '#services/nova/drivers/hypervisor-qemu/lifecycle.ts'
import { assignSlots } from '#services/nova/drivers/hypervisor-qemu/machine.ts'
import type { QemuTools } from '#services/nova/drivers/hypervisor-qemu/tools.ts'
import { HypervisorFault, type Baggage, type GuestSpec, type Hypervisor } from '#services/nova/drivers/hypervisor.ts'

type Moves = Pick<
  Hypervisor,
  'setAside' | 'moveIn' | 'bringBack' | 'dropAside' | 'asides' | 'receive' | 'send' | 'hurry' | 'takeOver'
>
const DRIVER = 'qemu'
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
/** What a guest's next home needs of its folder. Volumes come from Cinder, kernels and config drives are made anew. */
const OWN = /^(root\.qcow2|base\.(raw|qcow2)|ephemeral\.raw|swap\.raw|kernel|ramdisk)$/
const WRITTEN = /^(root\.qcow2|ephemeral\.raw|swap\.raw)$/

const there = async (path: string): Promise<boolean> => (await stat(path).catch(() => undefined)) !== undefined

/** `runs`: it runs already and is watched. */
export function qemuMoves(tools: QemuTools, runs: (serverId: string) => Promise<boolean>): Moves {
  const { locks, store } = tools
  const root = `${tools.state}/aside`
  const asideOf = (serverId: string): string => {
    if (!UUID.test(serverId)) throw new RangeError(`not a server's id: ${serverId}`)
    return `${root}/${serverId}`
  }
  const unsupported = (): Promise<never> =>
    Promise.reject(new HypervisorFault('unsupported', 'This host cannot move guests while they run'))

  return {
    setAside: (serverId, { signal, graceMs = 0 } = {}) =>
      locks.run(serverId, signal, async either => {
        const aside = asideOf(serverId)
        const record = await store.read(serverId)
        if (record === undefined) {
          if (!(await there(aside)))
            throw new HypervisorFault('not-found', `Instance ${serverId} could not be found on this host`)
          return baggageOf(aside, (await recordIn(aside)).slots)
        }
        await stop(tools, record, { graceMs, signal: either })
        const folder = store.folder(serverId)
        for (const name of await readdir(folder)) {
          const id = /^volume-([0-9a-f-]{36})\./.exec(name)?.[1]
          if (id !== undefined) await takeVolumeOut(tools, folder, id)
        }
        await mkdir(root, { recursive: true, mode: 0o700 })
        await rm(aside, { recursive: true, force: true }) // of a move that somebody declared over
        await rename(folder, aside)
        return baggageOf(aside, record.slots)
      }),
    moveIn: (guest, baggage, { signal, start: running }) =>
      locks.run(guest.serverId, signal, async either => {
        if (baggage.driver !== DRIVER || baggage.folder === null)
          throw new HypervisorFault('unsupported', `A QEMU host cannot take over a guest from ${baggage.driver}`)
        if (await runs(guest.serverId)) return
        try {
          await unpack(tools, guest, baggage, running, either)
        } catch (error) {
          await destroyGuest(tools, guest.serverId)
          throw error
        }
      }),
    bringBack: serverId =>
      locks.run(serverId, undefined, async () => {
        const aside = asideOf(serverId)
        if (!(await there(aside))) return
        await destroyGuest(tools, serverId)
        await rename(aside, store.folder(serverId))
      }),
    dropAside: serverId =>
      locks.run(serverId, undefined, () => rm(asideOf(serverId), { recursive: true, force: true })),
    async asides() {
      const names = await readdir(root).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return []
        throw error
      })
      return names.filter(name => UUID.test(name))
    },
    receive: unsupported,
    send: unsupported,
    hurry: () => Promise.resolve(),
    takeOver: unsupported,
  }
}

const baggageOf = (folder: string, slots: Readonly<Record<string, number>>): Baggage => ({
  driver: DRIVER,
  folder,
  slots,
})

/** The record of a guest that is aside. */
const recordIn = async (folder: string): Promise<GuestRecord> =>
  JSON.parse(await readFile(`${folder}/guest.json`, 'utf8')) as GuestRecord

async function unpack(
  tools: QemuTools,
  guest: GuestSpec,
  baggage: Baggage,
  running: boolean,
  signal: AbortSignal,
): Promise<void> {
  const { store } = tools
  const from = baggage.folder ?? ''
  const folder = await store.makeFolder(guest.serverId)
  const record: GuestRecord = {
    spec: guest,
    phase: 'making',
    process: null,
    bootId: tools.bootId,
    slots: assignSlots(guest, baggage.slots),
  }
  await store.write(record)
  const names = await readdir(from).catch((error: unknown) => {
    throw new HypervisorFault('unsupported', 'The disks of the guest are not within reach of this host', error)
  })
  for (const name of names) {
    if (!OWN.test(name) || (await there(`${folder}/${name}`))) continue
    if (name === 'swap.raw' && (await stat(`${from}/${name}`)).size !== (guest.swapMb ?? 0) * 2 ** 20) continue
    signal.throwIfAborted()
    await rm(`${folder}/${name}.new`, { force: true })
    // What nobody writes to becomes the same file under another name where it can.
    const way = WRITTEN.test(name) ? ['--reflink=auto', '--sparse=always'] : ['--link']
    const paths = [`${from}/${name}`, `${folder}/${name}.new`]
    await tools.exec
      .run(['cp', '--preserve=mode,ownership', ...way, ...paths])
      .catch(() => tools.exec.run(['cp', '--preserve=mode,ownership', '--sparse=always', ...paths]))
    await rename(`${folder}/${name}.new`, `${folder}/${name}`)
  }
  if (running) {
    await start(tools, guest, record, signal)
    return
  }
  await makeOwnDisks(tools, guest, folder)
  await store.write({ ...record, phase: 'stopped' })
}
