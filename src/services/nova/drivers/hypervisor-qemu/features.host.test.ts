// What real guests see: disks under their names, bytes where they belong, firmware, config drives, turns at starting.
import assert from 'node:assert/strict'
import { execFileSync, spawn as spawnChild } from 'node:child_process'
import { appendFileSync, existsSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import { makeQemuBench, type QemuBench } from '#services/nova/drivers/hypervisor-qemu/bench-for-tests.ts'
import { ask, findTestKernel } from '#services/nova/drivers/hypervisor-qemu/guest-for-tests.ts'
import { trimLog } from '#services/nova/drivers/hypervisor-qemu/console.ts'
import { openConsole } from '#services/nova/drivers/console-stream.ts'
import type { StartTimes } from '#services/nova/drivers/hypervisor-qemu/tools.ts'
import type { DiskSpec, Hypervisor } from '#services/nova/drivers/hypervisor.ts'

/** The labels of an ext4 file system and of an ISO, where they lie. */
const LABELS =
  'dd if=/dev/vdb bs=1 skip=1144 count=10 2>/dev/null; echo -n " "; dd if=/dev/vde bs=1 skip=32808 count=8 2>/dev/null; echo'

const found = findTestKernel()

describe('features of QEMU guests', { skip: 'missing' in found && found.missing }, () => {
  let bench: QemuBench
  let h: Hypervisor
  const times: StartTimes[] = []
  before(async () => {
    bench = await makeQemuBench({ onStarted: one => times.push(one) })
    h = bench.hypervisor
  })
  after(() => bench.end())

  it('snapshots and merges keep every byte, over a restart of the guest, too', async () => {
    const disk = await bench.volume('vdb')
    assert.ok(disk.source.kind === 'file')
    const guest = bench.guest({ disks: [disk] })
    const { serverId } = guest
    await h.spawn(guest)
    await bench.booted(serverId)
    let serial = await bench.serial(serverId)
    await ask(serial, 'echo one > /dev/vdb; sync')
    const overlay = await bench.overlay(disk)
    await h.snapshotDisk(serverId, disk.volumeId, { path: overlay })
    await ask(serial, 'echo two > /dev/vdb; sync')
    serial.destroy()
    const on: DiskSpec = { ...disk, source: { kind: 'file', path: overlay, format: 'qcow2' } }
    await h.reboot({ ...guest, disks: [on] }, 'hard')
    await bench.booted(serverId)
    serial = await bench.serial(serverId)
    assert.equal(await ask(serial, 'head -c 3 /dev/vdb'), 'two')
    await h.commitDisk(serverId, disk.volumeId, { path: disk.source.path })
    await ask(serial, 'echo three > /dev/vdb; sync')
    serial.destroy()
    assert.equal(statSync(overlay).nlink, 1, 'the merged overlay is Cinder’s alone')
    const home = `${bench.folder}/servers/${serverId}`
    const names = readdirSync(home).filter(name => name.startsWith('volume-'))
    assert.deepEqual(
      names.map(name => statSync(`${home}/${name}`).ino),
      [statSync(disk.source.path).ino],
    )
    await h.powerOff(serverId)
    rmSync(overlay)
    await h.powerOn(guest)
    await bench.booted(serverId)
    serial = await bench.serial(serverId)
    assert.equal(await ask(serial, 'head -c 5 /dev/vdb'), 'three')
    serial.destroy()
    await h.destroy(serverId)
    assert.match(
      execFileSync('qemu-img', ['check', '-f', 'qcow2', disk.source.path], { encoding: 'utf8' }),
      /No errors/,
    )
  })

  it('an image made while the guest writes holds what it had written', async () => {
    const guest = bench.guest()
    await h.spawn(guest)
    await bench.booted(guest.serverId)
    const serial = await bench.serial(guest.serverId)
    await ask(serial, 'echo precious > /dev/vda; sync')
    serial.destroy()
    const out = bench.path('image.raw')
    await h.captureRoot(guest.serverId, { path: out, format: 'raw' })
    assert.equal(execFileSync('head', ['-c', '8', out], { encoding: 'utf8' }), 'precious')
    assert.equal(statSync(out).size, 2 ** 30)
    await h.destroy(guest.serverId)
  })

  it(
    'attaches an export of another program over a socket',
    { skip: !existsSync('/usr/bin/qemu-nbd') && 'no qemu-nbd' },
    async () => {
      const file = bench.path('remote.raw')
      execFileSync('truncate', ['-s', '8M', file])
      const socket = bench.path('nbd.sock')
      const server = spawnChild('qemu-nbd', ['-f', 'raw', '-k', socket, '-x', 'remote', '-t', file], {
        stdio: 'ignore',
      })
      await bench.until('the export', 5_000, () => existsSync(socket))
      const guest = bench.guest()
      await h.spawn(guest)
      const volumeId = crypto.randomUUID()
      await h.attachDisk(guest.serverId, {
        volumeId,
        serial: volumeId,
        device: 'vdb',
        source: { kind: 'nbd', socket, export: 'remote' },
      })
      await bench.booted(guest.serverId)
      const serial = await bench.serial(guest.serverId)
      await ask(serial, 'echo afar > /dev/vdb; sync')
      serial.destroy()
      assert.equal(execFileSync('head', ['-c', '4', file], { encoding: 'utf8' }), 'afar')
      await assert.rejects(h.resizeDisk(guest.serverId, volumeId, 2 ** 30), { code: 'unsupported' })
      await h.detachDisk(guest.serverId, volumeId)
      await h.destroy(guest.serverId)
      server.kill()
    },
  )

  it('shows a config drive, ephemeral disk and swap, in that order of names', async () => {
    const iso = bench.path('config.iso')
    execFileSync('genisoimage', ['-quiet', '-volid', 'config-2', '-o', iso, bench.path('initrd')])
    const volume = await bench.volume('vdd')
    const guest = bench.guest({ configDriveIso: iso, ephemeralGb: 1, swapMb: 64, disks: [volume] })
    await h.spawn(guest)
    rmSync(iso)
    await bench.booted(guest.serverId)
    let serial = await bench.serial(guest.serverId)
    const seen = await ask(serial, `cat /proc/partitions; ${LABELS}; cat /sys/block/vde/ro`)
    serial.destroy()
    for (const size of ['1048576 vda', '1048576 vdb', '65536 vdc', '65536 vdd', 'vde'])
      assert.ok(seen.includes(size), seen)
    assert.match(seen, /ephemeral0 config-2/)
    assert.ok(seen.endsWith('1'))
    await h.reboot(guest, 'hard')
    await bench.booted(guest.serverId)
    serial = await bench.serial(guest.serverId)
    assert.match(await ask(serial, LABELS), /config-2/)
    serial.destroy()
    await h.destroy(guest.serverId)
  })

  it('boots what the firmware finds when there is no kernel', async () => {
    // A boot sector that says B to the serial line and halts.
    const sector = new Uint8Array(16 * 2 ** 20)
    sector.set([0xfa, 0xba, 0xf8, 0x03, 0xb0, 0x42, 0xee, 0xf4, 0xeb, 0xfd])
    sector.set([0x55, 0xaa], 510)
    const base = bench.path('boots.raw')
    writeFileSync(base, sector)
    const { kernel: _kernel, ramdisk: _ramdisk, cmdline: _cmdline, ...rest } = bench.guest()
    const guest = { ...rest, rootDisk: { from: 'image', base, baseFormat: 'raw', sizeGb: 0 } } as const
    await h.spawn(guest)
    await bench.until('the boot sector', 10_000, async () => (await h.consoleLog(guest.serverId)).includes('B'))
    await h.destroy(guest.serverId)
  })

  it('grows the root with its flavor', async () => {
    const guest = bench.guest()
    assert.ok(guest.rootDisk.from === 'image')
    await h.spawn(guest)
    await h.powerOff(guest.serverId)
    await h.powerOn({ ...guest, rootDisk: { ...guest.rootDisk, sizeGb: 2 } })
    const one = (await h.list()).find(({ serverId }) => serverId === guest.serverId)
    assert.equal(one?.disks.find(disk => disk.id === 'root')?.sizeBytes, 2 * 2 ** 30)
    await h.destroy(guest.serverId)
  })

  it('a guest that talks without end does not fill the disk', async () => {
    const guest = bench.guest()
    await h.spawn(guest)
    await bench.booted(guest.serverId)
    const log = `${bench.folder}/servers/${guest.serverId}/serial.log`
    appendFileSync(log, `${'x'.repeat(99)}\n`.repeat(1_000))
    await trimLog(log, 50_000, 10_000)
    assert.equal(statSync(log).size, 10_000)
    const serial = await bench.serial(guest.serverId)
    await ask(serial, 'echo still heard')
    serial.destroy()
    assert.match(await h.consoleLog(guest.serverId, 5), /still heard/)
    assert.ok(statSync(log).size < 20_000, 'no hole where the old text was')
    await h.destroy(guest.serverId)
  })

  it('speaks RFB on its screen’s socket, however deep the folder', async t => {
    const deep = bench.path(`${'x'.repeat(60)}/${'y'.repeat(60)}`)
    execFileSync('mkdir', ['-p', deep])
    const far = await bench.make({ state: deep })
    far.onEvent(event => t.diagnostic(JSON.stringify(event)))
    const guest = bench.guest()
    await far.spawn(guest)
    const screen = await openConsole(far, guest.serverId, 'vnc')
    const hello = await new Promise<Buffer>(resolve => screen.once('data', resolve))
    assert.equal(String(hello), 'RFB 003.008\n')
    screen.destroy()
    await far.suspend(guest.serverId)
    await assert.rejects(far.vnc(guest.serverId), { code: 'wrong-state' })
    await far.resume(guest.serverId)
    await far.destroy(guest.serverId)
  })

  it('lets so many start at once, and the next when one is up', async () => {
    const alone = await bench.make({ state: bench.path('queue'), startingAtOnce: 1 })
    const [first, second] = [bench.guest(), bench.guest()]
    await alone.spawn(first)
    let started = false
    const waiting = alone.spawn(second).then(() => (started = true))
    assert.equal(await alone.state(second.serverId), 'missing')
    await bench.until(
      'the first to be up',
      30_000,
      async () => (await alone.consoleLog(first.serverId)).includes('BOOT-DONE') || started,
    )
    await waiting
    assert.ok((await alone.consoleLog(first.serverId)).includes('BOOT-DONE'))
    const third = bench.guest()
    const never = assert.rejects(alone.spawn(third))
    await alone.destroy(third.serverId)
    await never
    for (const { serverId } of [first, second]) await alone.destroy(serverId)
  })

  it('needs little time of its own from the call to the process', t => {
    const ours = times.map(one => one.oursMs).toSorted((a, b) => a - b)
    t.diagnostic(
      `ours: median ${ours[ours.length >> 1]?.toFixed(1)} ms, worst ${ours.at(-1)?.toFixed(1)} ms of ${ours.length} starts`,
    )
    assert.ok((ours[ours.length >> 1] ?? Infinity) < 60)
  })
})
