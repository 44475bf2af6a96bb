// The parts of the QEMU driver that need no QEMU: turns, slots, machines, texts.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { guestLocks } from '#services/nova/drivers/guest-locks.ts'
import { bootQueue } from '#services/nova/drivers/hypervisor-qemu/boot-queue.ts'
import { lastLines } from '#services/nova/drivers/console-lines.ts'
import { versionNumber } from '#services/nova/drivers/hypervisor-qemu/facts.ts'
import { assignSlots, machineFor } from '#services/nova/drivers/hypervisor-qemu/machine.ts'
import { stateFromQemu } from '#services/nova/drivers/hypervisor-qemu/monitor.ts'
import type { DiskSpec, GuestSpec } from '#services/nova/drivers/hypervisor.ts'

const volume = (device: string, change: Partial<DiskSpec> = {}): DiskSpec => ({
  volumeId: crypto.randomUUID(),
  serial: 's',
  device,
  source: { kind: 'file', path: '/v', format: 'qcow2' },
  ...change,
})
const nic = (n: number): GuestSpec['nics'][number] => ({
  portId: `port-${n}`,
  mac: `fa:16:3e:00:00:0${n}`,
  tap: `tap${n}`,
  mtu: 1450,
})
const guest = (change: Partial<GuestSpec> = {}): GuestSpec => ({
  serverId: crypto.randomUUID(),
  name: 'a',
  hostname: 'a',
  vcpus: 1,
  memoryMb: 128,
  rootDisk: { from: 'image', base: '/b', baseFormat: 'qcow2', sizeGb: 1 },
  disks: [],
  nics: [],
  ...change,
})
const machine = (spec: GuestSpec, slots = assignSlots(spec, {})): ReturnType<typeof machineFor> =>
  machineFor(spec, {
    binary: 'q',
    accel: 'tcg',
    productVersion: '1',
    slots,
    volumes: new Map(
      [...spec.disks, ...(spec.rootDisk.from === 'volume' ? [spec.rootDisk.disk] : [])].map(disk => [
        disk.volumeId,
        { format: 'qcow2', file: { kind: 'file', path: disk.volumeId }, backing: null },
      ]),
    ),
    wire: () => ({ kind: 'user' }),
    incoming: false,
  })

describe('turns', () => {
  it('lets so many in and hands a place on', async () => {
    const queue = bootQueue(2)
    const [one, two] = [await queue.enter(), await queue.enter()]
    let third: (() => void) | undefined
    const waiting = queue.enter().then(leave => (third = leave))
    const impatient = new AbortController()
    const fourth = queue.enter(impatient.signal)
    impatient.abort(new Error('no time'))
    await assert.rejects(fourth, /no time/)
    assert.deepEqual([queue.inside, queue.waiting], [2, 1])
    one()
    one()
    await waiting
    assert.deepEqual([queue.inside, queue.waiting], [2, 0])
    two()
    third?.()
    assert.equal(queue.inside, 0)
    await assert.rejects(bootQueue(0).enter(AbortSignal.abort(new Error('late'))), /late/)
  })

  it('does one thing at a time per guest, and lets an end go first', async () => {
    const locks = guestLocks()
    const said: string[] = []
    const hangs = locks.run(
      'a',
      undefined,
      signal => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    )
    const waits = locks.run('a', undefined, async () => said.push('never'))
    const other = locks.run('b', undefined, async () => said.push('other'))
    await other
    const end = locks.end('a', new Error('ends'), async () => said.push('end'))
    const later = locks.run('a', undefined, async () => said.push('later'))
    await assert.rejects(hangs, /ends/)
    await assert.rejects(waits, /ends/)
    await Promise.all([end, later])
    assert.deepEqual(said, ['other', 'end', 'later'])
  })
})

describe('slots', () => {
  it('follow the names Nova gave, and stay where they were', () => {
    const [b, d] = [volume('vdb'), volume('vdd')]
    const first = assignSlots(guest({ disks: [d, b], nics: [nic(1), nic(2)] }), {})
    assert.deepEqual(first, {
      root: 5,
      [`vol-${d.volumeId}`]: 8,
      [`vol-${b.volumeId}`]: 6,
      'nic-port-1': 18,
      'nic-port-2': 19,
    })
    const later = assignSlots(guest({ disks: [d], nics: [nic(2), nic(3)] }), first)
    assert.deepEqual(later, { root: 5, [`vol-${d.volumeId}`]: 8, 'nic-port-2': 19, 'nic-port-3': 18 })
  })

  it('run out at 25 devices', () => {
    const disks = Array.from({ length: 24 }, (_, at) => volume(`vd${String.fromCharCode(98 + at)}`))
    assert.equal(new Set(Object.values(assignSlots(guest({ disks }), {}))).size, 25)
    assert.throws(() => assignSlots(guest({ disks: [...disks, volume('vdz')] }), {}), { code: 'unsupported' })
  })
})

describe('machines', () => {
  it('give a rescued guest the rescue system first, its own root second, and nothing else', () => {
    const { disks, kernel } = machine(
      guest({ disks: [volume('vdb')], kernel: '/k', rescue: { base: '/r', baseFormat: 'qcow2' } }),
    )
    assert.deepEqual(
      disks.map(disk => [disk.id, disk.slot, disk.bootIndex]),
      [
        ['rescue', 5, 1],
        ['root', 6, undefined],
      ],
    )
    assert.equal(kernel, undefined)
  })

  it('boot a volume that is the root, and show a config drive last', () => {
    const disk = volume('vda')
    const { disks } = machine(
      guest({
        rootDisk: { from: 'volume', disk },
        configDriveIso: '/c.iso',
        disks: [volume('vdb', { bootIndex: -1 })],
      }),
    )
    assert.deepEqual(
      disks.map(one => [one.slot, one.bootIndex, one.readOnly]),
      [
        [5, 1, false],
        [6, undefined, false],
        [31, undefined, true],
      ],
    )
    const ide = machine(guest({ configDriveIso: '/c.iso', configDriveBus: 'ide' })).disks.at(-1)
    assert.deepEqual([ide?.bus, ide?.slot], ['ide-cdrom', 2])
  })
})

describe('texts', () => {
  it('console: the last lines, as clients count them', () => {
    assert.equal(lastLines('a\nb\nc\n', 2), 'b\nc\n')
    assert.equal(lastLines('a\nb\nc', 2), 'b\nc')
    assert.equal(lastLines('a\nb', 5), 'a\nb')
    assert.equal(lastLines('a\nb', 0), '')
    assert.equal(lastLines('a\nb'), 'a\nb')
    assert.equal(lastLines('', 3), '')
  })

  it('version: as Nova writes it in a number', () => {
    assert.equal(versionNumber('QEMU emulator version 7.2.22 (Debian 1:7.2)'), 7_002_022)
    assert.equal(versionNumber('QEMU emulator version 10.1'), 10_001_000)
    assert.equal(versionNumber('something'), 0)
  })

  it('states: QEMU’s in the port’s words', () => {
    assert.deepEqual(['running', 'io-error', 'paused', 'guest-panicked', 'shutdown'].map(stateFromQemu), [
      'running',
      'paused',
      'paused',
      'crashed',
      'shutdown',
    ])
  })
})
