// What goes wrong with real guests, and what must be true after it.
import assert from 'node:assert/strict'
import { spawn as spawnChild } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { findGuestProcess, guestProcessesUnder, lives, processStatus } from '#host/qemu/process.ts'
import { makeQemuBench, type QemuBench } from '#services/nova/drivers/hypervisor-qemu/bench-for-tests.ts'
import { ask, findTestKernel } from '#services/nova/drivers/hypervisor-qemu/guest-for-tests.ts'
import type { GuestRecord } from '#services/nova/drivers/hypervisor-qemu/guest-store.ts'
import type { GuestEvent, GuestSpec, Hypervisor } from '#services/nova/drivers/hypervisor.ts'

const found = findTestKernel()

describe('faults of QEMU guests', { skip: 'missing' in found && found.missing }, () => {
  let bench: QemuBench
  let h: Hypervisor
  const events: GuestEvent[] = []
  before(async () => {
    bench = await makeQemuBench()
    h = bench.hypervisor
    h.onEvent(event => events.push(event))
  })
  after(() => bench.end())

  const folder = (serverId: string): string => `${bench.folder}/servers/${serverId}`
  const record = (serverId: string): GuestRecord =>
    JSON.parse(readFileSync(`${folder(serverId)}/guest.json`, 'utf8')) as GuestRecord
  const edit = (serverId: string, change: Partial<GuestRecord>): void =>
    writeFileSync(`${folder(serverId)}/guest.json`, JSON.stringify({ ...record(serverId), ...change }))
  const spawned = async (change?: Partial<GuestSpec>): Promise<{ guest: GuestSpec; serverId: string; pid: number }> => {
    const guest = bench.guest(change)
    await h.spawn(guest)
    return { guest, serverId: guest.serverId, pid: record(guest.serverId).process?.pid ?? 0 }
  }
  const eventOf = (serverId: string, kind: GuestEvent['kind']): GuestEvent | undefined =>
    events.find(event => event.serverId === serverId && event.kind === kind)

  it('a QEMU that ends while starting is a fault with its last words, and nothing stays', async () => {
    // Guests' user must be able to read it, and the state folder is closed to that user.
    const home = mkdtempSync(join(tmpdir(), 'koto-fake-'))
    chmodSync(home, 0o755)
    const fake = join(home, 'qemu-system-x86_64')
    writeFileSync(
      fake,
      '#!/bin/sh\n[ "$1" = --version ] && echo "QEMU emulator version 7.2.0" && exit\nsleep 0.2; echo no more memory >&2; exit 1\n',
      { mode: 0o755 },
    )
    const broken = await bench.make({ binary: fake })
    const guest = bench.guest()
    await assert.rejects(
      broken.spawn(guest),
      (error: Error & { code?: string }) => error.code === 'start-failed' && /no more memory/.test(error.message),
    )
    assert.ok(!existsSync(folder(guest.serverId)))
    await broken.close()
    rmSync(home, { recursive: true })
  })

  it('a killed QEMU is noticed at once, told, and can be started again', async () => {
    const { guest, serverId, pid } = await spawned()
    process.kill(pid, 'SIGKILL')
    await bench.until('the event', 5_000, () => eventOf(serverId, 'stopped') !== undefined)
    assert.equal(await h.state(serverId), 'crashed')
    await h.powerOn(guest)
    assert.equal(await h.state(serverId), 'running')
    await h.destroy(serverId)
  })

  it('a QEMU that hangs makes a verb time out, and a hard reboot gets over it', async () => {
    const { guest, serverId, pid } = await spawned()
    process.kill(pid, 'SIGSTOP')
    await assert.rejects(h.pause(serverId), { code: 'timeout' })
    assert.equal(await h.state(serverId), 'running')
    assert.equal(typeof (await h.consoleLog(serverId)), 'string')
    await h.reboot(guest, 'hard')
    assert.notEqual(record(serverId).process?.pid, pid)
    await h.pause(serverId)
    await h.destroy(serverId)
    assert.equal(await processStatus(pid), undefined)
  })

  it('follows a guest that reboots and one that switches itself off', async () => {
    const { serverId, pid } = await spawned()
    await bench.booted(serverId)
    const serial = await bench.serial(serverId)
    serial.write('reboot -f\n')
    await bench.until('the reboot', 10_000, () => eventOf(serverId, 'rebooted') !== undefined)
    assert.equal(record(serverId).process?.pid, pid)
    await bench.until(
      'the second boot',
      30_000,
      async () => (await h.consoleLog(serverId)).split('BOOT-DONE').length === 3,
    )
    serial.write('poweroff -f\n')
    await bench.until('the end', 10_000, () => eventOf(serverId, 'stopped') !== undefined)
    assert.equal(await h.state(serverId), 'shutdown')
    assert.equal((eventOf(serverId, 'stopped') as { why?: string }).why, 'guest')
    serial.destroy()
    await h.destroy(serverId)
  })

  it('a soft reboot is the guest’s own shutting down', async () => {
    const { guest, serverId, pid } = await spawned()
    await bench.booted(serverId)
    const begun = bench.clock.monotonic()
    await h.reboot(guest, 'soft', { graceMs: 20_000 })
    assert.ok(bench.clock.monotonic() - begun < 15_000, 'the guest heard the power button')
    assert.notEqual(record(serverId).process?.pid, pid)
    assert.equal(eventOf(serverId, 'stopped'), undefined)
    await h.destroy(serverId)
  })

  it('never touches a process that is not the guest’s', async () => {
    const { serverId } = await spawned()
    await h.powerOff(serverId)
    const stranger = spawnChild('sleep', ['60'], { stdio: 'ignore' })
    const pid = stranger.pid ?? 0
    edit(serverId, { phase: 'running', process: { pid, startTime: '1' } })
    await h.destroy(serverId)
    assert.ok((await processStatus(pid)) !== undefined)
    stranger.kill()
  })

  it('finds and ends a QEMU nobody remembers', async () => {
    const first = await spawned()
    rmSync(`${folder(first.serverId)}/guest.json`)
    const second = await spawned()
    rmSync(folder(second.serverId), { recursive: true })
    const other = await bench.make()
    const list = await other.list()
    for (const { serverId, pid } of [first, second]) {
      const one = list.find(guest => guest.serverId === serverId)
      assert.deepEqual([one?.recorded, one?.pid], [false, pid])
      await other.destroy(serverId)
      assert.equal(await processStatus(pid), undefined)
    }
    await other.close()
    for (const { serverId } of [first, second]) await h.destroy(serverId)
  })

  it('finishes what a killed control plane had begun', async () => {
    const starting = await spawned()
    const removing = await spawned()
    const suspending = await spawned()
    const mark = record(starting.serverId).process
    await h.close()
    edit(starting.serverId, { phase: 'starting', process: null })
    edit(removing.serverId, { phase: 'destroying' })
    writeFileSync(`${folder(suspending.serverId)}/memory.state`, 'whole')
    h = await bench.make()
    h.onEvent(event => events.push(event))
    await h.adopt()
    assert.deepEqual(record(starting.serverId).process, mark)
    assert.equal(await h.state(starting.serverId), 'running')
    assert.equal(await h.state(removing.serverId), 'missing')
    assert.equal(await processStatus(removing.pid), undefined)
    assert.equal(await h.state(suspending.serverId), 'suspended')
    assert.equal(await processStatus(suspending.pid), undefined)
    for (const { serverId } of [starting, suspending]) await h.destroy(serverId)
  })

  it('survives a control plane killed at any moment of a start', async () => {
    const program = (guest: GuestSpec): string => `
      import { createQemuHypervisor } from '#services/nova/drivers/hypervisor-qemu/hypervisor-qemu.ts'
      import { systemClock } from '#kernel/lib/clock.ts'
      const h = await createQemuHypervisor({ state: process.argv[2], clock: systemClock(), accelerator: 'tcg' })
      setInterval(() => undefined, 1_000)
      process.stdout.write('ready')
      void h.spawn(${JSON.stringify(guest)})
    `
    const root = process.cwd()
    for (const afterMs of [0, 5, 10, 15, 20, 30, 45, 70, 120]) {
      const guest = bench.guest()
      const child = spawnChild(
        process.execPath,
        ['--conditions=koto-source', '--input-type=module-typescript', '-', bench.folder],
        { cwd: root, stdio: ['pipe', 'pipe', 'inherit'] },
      )
      const exited = new Promise(resolve => child.once('exit', resolve))
      child.stdin.end(program(guest))
      await new Promise(resolve => child.stdout.once('data', resolve))
      await bench.clock.sleep(afterMs)
      child.kill('SIGKILL')
      await exited
      const next = await bench.make()
      await next.adopt()
      await next.spawn(guest)
      assert.equal(await next.state(guest.serverId), 'running')
      const processes = (await guestProcessesUnder(`${bench.folder}/servers`)).filter(
        one => one.uuid === guest.serverId,
      )
      assert.equal(processes.length, 1, `killed after ${afterMs} ms`)
      await next.destroy(guest.serverId)
      assert.equal(await findGuestProcess(guest.serverId, folder(guest.serverId)), undefined)
      await next.close()
    }
    assert.deepEqual(readdirSync(`${bench.folder}/servers`), [])
  })

  it('keeps memory, disks and wires over a suspend', async () => {
    const disk = await bench.volume('vdb')
    const { serverId } = await spawned()
    await bench.booted(serverId)
    const extra = bench.guest().nics[0]
    assert.ok(extra !== undefined)
    await h.attachDisk(serverId, disk)
    await h.attachNic(serverId, extra)
    const serial = await bench.serial(serverId)
    await bench.until('disk and wire in the guest', 10_000, async () =>
      /vdb[^]*eth1/.test(await ask(serial, 'cat /proc/partitions; ls /sys/class/net')),
    )
    await ask(serial, 'echo precious > /mnt/x; echo hello > /dev/vdb; sync')
    serial.destroy()
    await h.suspend(serverId)
    await h.close()
    h = await bench.make()
    h.onEvent(event => events.push(event))
    await h.adopt()
    await h.resume(serverId)
    const again = await bench.serial(serverId)
    const seen = await ask(
      again,
      'cat /mnt/x; head -c 5 /dev/vdb; echo; ls /sys/class/net | wc -l; cat /sys/block/vdb/serial',
    )
    assert.deepEqual(seen.split('\n'), ['precious', 'hello', '3', disk.volumeId.slice(0, 20)])
    again.destroy()
    await h.detachDisk(serverId, disk.volumeId)
    await h.destroy(serverId)
  })

  it(
    'a guest’s process has nothing but its own folder and its own rights',
    { skip: process.getuid?.() !== 0 && 'only root can give rights away' },
    async () => {
      const { serverId, pid } = await spawned()
      const status = readFileSync(`/proc/${pid}/status`, 'utf8')
      const field = (name: string): string => new RegExp(`^${name}:[ \\t]*(.*)$`, 'm').exec(status)?.[1] ?? ''
      assert.ok(!field('Uid').split(/\s+/).includes('0'), field('Uid'))
      assert.ok(!field('Gid').split(/\s+/).includes('0'), field('Gid'))
      assert.equal(Number.parseInt(field('CapEff'), 16) + Number.parseInt(field('CapBnd'), 16), 0)
      assert.equal(field('NoNewPrivs'), '1')
      assert.equal(field('Seccomp'), '2')
      assert.equal(field('Groups').trim(), '')
      await h.destroy(serverId)
      assert.ok(!(await lives({ pid, startTime: '0' })))
    },
  )
})
