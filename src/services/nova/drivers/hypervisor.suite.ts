// What every hypervisor driver promises, in one list. A feature without a line here does not exist.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { DiskSpec, GuestEvent, GuestSpec, Hypervisor, HypervisorFault } from '#services/nova/drivers/hypervisor.ts'

/** What a driver's test brings along. */
export interface HypervisorBench {
  readonly hypervisor: Hypervisor
  /** A new guest with an image as its root, one NIC, nothing else; ids are its own. */
  guest(change?: Partial<GuestSpec>): GuestSpec
  /** A volume of 64 MiB, in a file, not yet attached. */
  volume(device: string): Promise<DiskSpec>
  /** An empty overlay on a volume's file. Returns its path. */
  overlay(disk: DiskSpec): Promise<string>
  /** A path where a file may be written. */
  path(name: string): string
  /** Until the guest's system listens to its devices. */
  booted(serverId: string): Promise<void>
  /** Lets go of the driver as a killed control plane would, and makes another on the same machine. */
  restarted(): Promise<Hypervisor>
  /** Another host of the same kind, reached by the first. */
  neighbour(): Promise<Hypervisor>
  end(): Promise<void>
}

const fault =
  (code: string) =>
  (error: unknown): boolean => {
    assert.equal((error as HypervisorFault).code, code, String(error))
    return true
  }

export function hypervisorSuite(
  name: string,
  make: () => Promise<HypervisorBench>,
  options: { skip?: string } = {},
): void {
  describe(`hypervisor: ${name}`, options.skip === undefined ? {} : { skip: options.skip }, () => {
    let bench: HypervisorBench
    const events: GuestEvent[] = []
    const h = (): Hypervisor => bench.hypervisor
    before(async () => {
      bench = await make()
      h().onEvent(event => events.push(event))
    })
    after(() => bench.end())
    const spawned = async (change?: Partial<GuestSpec>): Promise<GuestSpec> => {
      const guest = bench.guest(change)
      await h().spawn(guest)
      return guest
    }
    const found = async (serverId: string): ReturnType<Hypervisor['list']> =>
      (await h().list()).filter(one => one.serverId === serverId)

    it('says what the host is', async () => {
      const facts = await h().facts()
      assert.ok(facts.vcpus >= 1 && facts.memoryMb > 0 && facts.diskGb >= 0)
      assert.ok(facts.hypervisorVersion > 0)
      assert.notEqual(facts.accelerator.why, '')
    })

    it('starts a guest once, lists it, and removes it without a trace', async () => {
      const guest = await spawned()
      const { serverId } = guest
      await h().spawn(guest)
      assert.equal(await h().state(serverId), 'running')
      const [one, ...more] = await found(serverId)
      assert.equal(more.length, 0)
      assert.equal(one?.recorded, true)
      assert.deepEqual(one?.nics, guest.nics)
      assert.ok(one?.disks.some(disk => disk.id === 'root'))
      await h().destroy(serverId)
      await h().destroy(serverId)
      assert.equal(await h().state(serverId), 'missing')
      assert.deepEqual(await found(serverId), [])
    })

    it('interrupts a guest that runs, and only such a one', async () => {
      const { serverId } = await spawned()
      await h().interrupt(serverId)
      assert.equal(await h().state(serverId), 'running')
      await h().powerOff(serverId, { graceMs: 0 })
      await assert.rejects(h().interrupt(serverId), fault('wrong-state'))
      await assert.rejects(
        h().setPassword(serverId, { user: 'root', password: 'x', hasAgent: false }),
        (error: HypervisorFault) => ['wrong-state', 'unsupported'].includes(error.code),
      )
      await h().destroy(serverId)
    })

    it('knows nothing of a stranger, and says so', async () => {
      const stranger = bench.guest()
      const { serverId } = stranger
      assert.equal(await h().state(serverId), 'missing')
      await h().destroy(serverId)
      await assert.rejects(h().powerOn(stranger), fault('not-found'))
      await assert.rejects(h().powerOff(serverId), fault('not-found'))
      await assert.rejects(h().reboot(stranger, 'hard'), fault('not-found'))
      await assert.rejects(h().pause(serverId), fault('not-found'))
      await assert.rejects(h().suspend(serverId), fault('not-found'))
      await assert.rejects(h().resume(serverId), fault('not-found'))
      await assert.rejects(h().attachDisk(serverId, await bench.volume('vdb')), fault('not-found'))
      await assert.rejects(h().consoleLog(serverId), fault('not-found'))
      await assert.rejects(h().diagnostics(serverId), fault('not-found'))
    })

    it('refuses a flavor disk smaller than its image, and leaves nothing', async () => {
      const guest = bench.guest()
      assert.ok(guest.rootDisk.from === 'image')
      await assert.rejects(
        h().spawn({ ...guest, rootDisk: { ...guest.rootDisk, sizeGb: 1, baseVirtualSize: 2 * 2 ** 30 } }),
        fault('disk-too-small'),
      )
      assert.deepEqual(await found(guest.serverId), [])
    })

    it('leaves nothing of a start that was called off', async () => {
      const guest = bench.guest()
      await assert.rejects(h().spawn(guest, { signal: AbortSignal.abort(new Error('called off')) }))
      assert.deepEqual(await found(guest.serverId), [])
    })

    it('ends a guest that is still being started', async () => {
      const guest = bench.guest()
      const starting = h()
        .spawn(guest)
        .catch(() => undefined)
      await h().destroy(guest.serverId)
      await starting
      await h().destroy(guest.serverId)
      assert.equal(await h().state(guest.serverId), 'missing')
    })

    it('switches off and on', async () => {
      const guest = await spawned()
      await h().powerOff(guest.serverId)
      await h().powerOff(guest.serverId)
      assert.equal(await h().state(guest.serverId), 'shutdown')
      await assert.rejects(h().pause(guest.serverId), fault('wrong-state'))
      await h().powerOn(guest)
      await h().powerOn(guest)
      assert.equal(await h().state(guest.serverId), 'running')
      await h().reboot(guest, 'hard')
      assert.equal(await h().state(guest.serverId), 'running')
      await h().reboot(guest, 'soft', { graceMs: 100 })
      assert.equal(await h().state(guest.serverId), 'running')
      await h().destroy(guest.serverId)
    })

    it('pauses and goes on', async () => {
      const { serverId } = await spawned()
      await h().pause(serverId)
      await h().pause(serverId)
      assert.equal(await h().state(serverId), 'paused')
      await h().unpause(serverId)
      await h().unpause(serverId)
      assert.equal(await h().state(serverId), 'running')
      await h().destroy(serverId)
    })

    it('suspends to disk and resumes', async () => {
      const guest = await spawned()
      const { serverId } = guest
      await h().suspend(serverId)
      await h().suspend(serverId)
      assert.equal(await h().state(serverId), 'suspended')
      await h().resume(serverId)
      await h().resume(serverId)
      assert.equal(await h().state(serverId), 'running')
      await h().powerOff(serverId)
      await assert.rejects(h().resume(serverId), fault('wrong-state'))
      await h().powerOn(guest)
      await h().suspend(serverId)
      await h().powerOn(guest)
      assert.equal(await h().state(serverId), 'running')
      await h().destroy(serverId)
    })

    it('plugs a volume in and out, grows it, snapshots it and merges it, while the guest runs', async () => {
      const { serverId } = await spawned()
      const disk = await bench.volume('vdb')
      assert.ok(disk.source.kind === 'file')
      const attached = async (): Promise<readonly string[]> =>
        (await found(serverId))[0]?.disks.map(one => one.id) ?? []
      await h().attachDisk(serverId, disk)
      await h().attachDisk(serverId, disk)
      assert.ok((await attached()).includes(disk.volumeId))
      await h().resizeDisk(serverId, disk.volumeId, 128 * 2 ** 20)
      const overlay = await bench.overlay(disk)
      await h().snapshotDisk(serverId, disk.volumeId, { path: overlay })
      const source = (await found(serverId))[0]?.spec?.disks[0]?.source
      assert.deepEqual(source, { kind: 'file', path: overlay, format: 'qcow2' })
      await h().commitDisk(serverId, disk.volumeId, { path: disk.source.path })
      assert.deepEqual((await found(serverId))[0]?.spec?.disks[0]?.source, disk.source)
      await bench.booted(serverId)
      await h().detachDisk(serverId, disk.volumeId)
      await h().detachDisk(serverId, disk.volumeId)
      assert.ok(!(await attached()).includes(disk.volumeId))
      await assert.rejects(h().resizeDisk(serverId, disk.volumeId, 2 ** 30), fault('not-found'))
      await h().destroy(serverId)
    })

    it('gives a stopped guest its volume at the next start', async () => {
      const guest = await spawned()
      const disk = await bench.volume('vdb')
      await h().powerOff(guest.serverId)
      await h().attachDisk(guest.serverId, disk)
      await h().powerOn({ ...guest, disks: [disk] })
      assert.ok((await found(guest.serverId))[0]?.disks.some(one => one.id === disk.volumeId))
      await h().powerOff(guest.serverId)
      await h().detachDisk(guest.serverId, disk.volumeId)
      await h().powerOn(guest)
      assert.ok(!(await found(guest.serverId))[0]?.disks.some(one => one.id === disk.volumeId))
      await h().destroy(guest.serverId)
    })

    it('never lets two guests write to one file', async () => {
      const disk = await bench.volume('vdb')
      const first = await spawned({ disks: [disk] })
      const second = await spawned()
      await assert.rejects(h().attachDisk(second.serverId, disk), fault('busy'))
      assert.ok(!(await found(second.serverId))[0]?.disks.some(one => one.id === disk.volumeId))
      const third = bench.guest({ disks: [disk] })
      await assert.rejects(h().spawn(third))
      assert.deepEqual(await found(third.serverId), [])
      assert.equal(await h().state(first.serverId), 'running')
      await h().destroy(first.serverId)
      await h().attachDisk(second.serverId, disk)
      await h().destroy(second.serverId)
    })

    it('starts from a volume', async () => {
      const disk = await bench.volume('vda')
      const guest = await spawned({ rootDisk: { from: 'volume', disk } })
      assert.equal(await h().state(guest.serverId), 'running')
      await assert.rejects(
        h().captureRoot(guest.serverId, { path: bench.path('no.qcow2'), format: 'qcow2' }),
        fault('unsupported'),
      )
      await h().destroy(guest.serverId)
    })

    it('plugs a wire in and out', async () => {
      const guest = await spawned()
      const extra = bench.guest().nics[0]
      assert.ok(extra !== undefined)
      await h().attachNic(guest.serverId, extra)
      await h().attachNic(guest.serverId, extra)
      assert.equal((await found(guest.serverId))[0]?.nics.length, 2)
      await bench.booted(guest.serverId)
      await h().detachNic(guest.serverId, extra.portId)
      await h().detachNic(guest.serverId, extra.portId)
      assert.equal((await found(guest.serverId))[0]?.nics.length, 1)
      await h().destroy(guest.serverId)
    })

    it('writes the root as one file, running and stopped', async () => {
      const guest = await spawned()
      await h().captureRoot(guest.serverId, { path: bench.path('live.qcow2'), format: 'qcow2' })
      await h().powerOff(guest.serverId)
      await h().captureRoot(guest.serverId, { path: bench.path('still.raw'), format: 'raw' })
      await h().destroy(guest.serverId)
    })

    it('remembers what a guest was started by, and makes its disks anew by another specification', async () => {
      const guest = await spawned({ ephemeralGb: 1 })
      const { serverId } = guest
      assert.deepEqual(await h().recorded(serverId), guest)
      assert.equal(await h().recorded(bench.guest().serverId), null)
      const other = { ...guest, name: 'another' }
      await h().reimage(other, { keepEphemeral: true })
      assert.equal(await h().state(serverId), 'shutdown')
      await h().reimage(other)
      assert.equal((await h().recorded(serverId))?.name, 'another')
      await h().powerOn(other)
      assert.equal(await h().state(serverId), 'running')
      assert.ok(guest.rootDisk.from === 'image')
      await assert.rejects(
        h().reimage({ ...guest, rootDisk: { ...guest.rootDisk, sizeGb: 1, baseVirtualSize: 2 * 2 ** 30 } }),
        fault('disk-too-small'),
      )
      await h().destroy(serverId)
      await assert.rejects(h().reimage(guest), fault('not-found'))
    })

    it('boots a rescue system with the own root beside it, and comes back', async () => {
      const guest = await spawned()
      const { serverId } = guest
      assert.ok(guest.rootDisk.from === 'image')
      const { base, baseFormat } = guest.rootDisk
      const disks = async (): Promise<string[]> => (await found(serverId))[0]?.disks.map(one => one.id) ?? []
      for (const stable of [
        undefined,
        { device: 'disk', bus: 'virtio' },
        { device: 'disk', bus: 'scsi' },
        { device: 'disk', bus: 'usb' },
        { device: 'cdrom', bus: 'ide' },
      ] as const) {
        await h().powerOff(serverId)
        const rescue = { base, baseFormat, ...(stable === undefined ? {} : { stable }) }
        await h().powerOn({ ...guest, rescue })
        assert.equal(await h().state(serverId), 'running')
        assert.ok((await disks()).includes('rescue') && (await disks()).includes('root'))
        await h().powerOff(serverId)
        await h().powerOn(guest)
        assert.ok(!(await disks()).includes('rescue'))
      }
      await h().destroy(serverId)
    })

    it('shows the console, the screen and the numbers', async () => {
      const guest = await spawned()
      await bench.booted(guest.serverId)
      const last = await h().consoleLog(guest.serverId, 2)
      const whole = await h().consoleLog(guest.serverId) // the guest may have said more by now
      assert.ok(last !== '' && last.replace(/\n$/, '').split('\n').length <= 2)
      assert.ok(whole.includes(last))
      assert.equal(await h().consoleLog(guest.serverId, 0), '')
      const screen = await h().screenshot(guest.serverId)
      assert.deepEqual([...screen.slice(1, 4)], [0x50, 0x4e, 0x47])
      const numbers = await h().diagnostics(guest.serverId)
      assert.equal(numbers.state, 'running')
      assert.equal(numbers.cpus.length, guest.vcpus)
      assert.equal(numbers.memory.maximumMb, guest.memoryMb)
      await h().destroy(guest.serverId)
    })

    it('finds its guests again after the control plane was gone', async () => {
      const [runs, rests, sleeps] = [await spawned(), await spawned(), await spawned()]
      await h().powerOff(rests.serverId)
      await h().suspend(sleeps.serverId)
      const again = await bench.restarted()
      const adopted = new Map((await again.adopt()).map(one => [one.serverId, one.state]))
      assert.equal(adopted.get(runs.serverId), 'running')
      assert.equal(adopted.get(rests.serverId), 'shutdown')
      assert.equal(adopted.get(sleeps.serverId), 'suspended')
      await again.pause(runs.serverId)
      assert.equal(await again.state(runs.serverId), 'paused')
      await again.resume(sleeps.serverId)
      await again.powerOn(rests)
      for (const { serverId } of [runs, rests, sleeps]) await again.destroy(serverId)
      assert.deepEqual(await again.list(), [])
    })

    it('puts a guest aside, makes it anew in another size, and takes either end', async () => {
      const disk = await bench.volume('vdb')
      const guest = await spawned({ disks: [disk] })
      const { serverId } = guest
      assert.ok(guest.rootDisk.from === 'image')
      const larger: GuestSpec = { ...guest, memoryMb: 128, rootDisk: { ...guest.rootDisk, sizeGb: 2 } }
      const baggage = await h().setAside(serverId)
      assert.deepEqual(await h().setAside(serverId), baggage)
      assert.equal(await h().state(serverId), 'missing')
      assert.deepEqual(await h().asides(), [serverId])
      await h().moveIn(larger, baggage, { start: true })
      await h().moveIn(larger, baggage, { start: true })
      const [one] = await found(serverId)
      assert.equal(one?.state, 'running')
      assert.equal(one.disks.find(part => part.id === 'root')?.sizeBytes, 2 * 2 ** 30)
      // Back: what stood in its place goes.
      await h().bringBack(serverId)
      await h().bringBack(serverId)
      assert.equal(await h().state(serverId), 'shutdown')
      assert.deepEqual(await h().asides(), [])
      await h().powerOn(guest)
      assert.equal((await found(serverId))[0]?.disks.find(part => part.id === 'root')?.sizeBytes, 2 ** 30)
      // Forward, stopped: what was put aside goes.
      const again = await h().setAside(serverId)
      await h().moveIn(larger, again, { start: false })
      assert.equal(await h().state(serverId), 'shutdown')
      await h().dropAside(serverId)
      await h().dropAside(serverId)
      assert.deepEqual(await h().asides(), [])
      await h().powerOn(larger)
      assert.equal(await h().state(serverId), 'running')
      await h().destroy(serverId)
      await assert.rejects(h().setAside(serverId), fault('not-found'))
    })

    it('gives a guest to another host, and takes none from a stranger', async () => {
      const other = await bench.neighbour()
      const guest = await spawned()
      const { serverId } = guest
      const baggage = await h().setAside(serverId)
      await assert.rejects(
        other.moveIn(guest, { driver: 'stranger', folder: null, slots: {} }, { start: true }),
        fault('unsupported'),
      )
      assert.equal(await other.state(serverId), 'missing')
      await other.moveIn(guest, baggage, { start: true })
      assert.equal(await other.state(serverId), 'running')
      await other.destroy(serverId)
      await h().bringBack(serverId)
      await h().powerOn(guest)
      assert.equal(await h().state(serverId), 'running')
      await h().destroy(serverId)
    })

    it('sends a running guest to another host, where it can; elsewhere it says that it cannot', async () => {
      const other = await bench.neighbour()
      const guest = await spawned()
      const { serverId } = guest
      if (!h().capabilities.liveMigration) {
        await assert.rejects(other.receive(guest), fault('unsupported'))
        await assert.rejects(h().send(serverId, { driver: 'x', address: null }), fault('unsupported'))
        await h().hurry(serverId)
        assert.equal(await h().state(serverId), 'running')
        await h().destroy(serverId)
        return
      }
      const landing = await other.receive(guest)
      assert.equal(await other.state(serverId), 'paused')
      const told: number[] = []
      const signal = AbortSignal.abort(new Error('called off'))
      await assert.rejects(h().send(serverId, landing, { signal }))
      assert.equal(await h().state(serverId), 'running')
      await h().send(serverId, landing, { onProgress: ({ memoryDone }) => told.push(memoryDone) })
      assert.ok(told.length > 0 && told.at(-1) === Math.max(...told))
      assert.equal(await h().state(serverId), 'running')
      await h().destroy(serverId)
      await other.takeOver(serverId, 'running')
      await other.takeOver(serverId, 'running')
      assert.equal(await other.state(serverId), 'running')
      await h().hurry(serverId)
      await other.destroy(serverId)
    })

    it('reported nothing that it was asked to do', () => assert.deepEqual(events, []))
  })
}
