// The guest for real: built from this machine's packages, found again, started under emulation with a config drive, by BIOS with a metadata service,
// looked at over its serial line and ssh, given a disk, switched off by its power button. Skipped where it cannot be built or QEMU is missing.
import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { connect, createServer as createTcp, type AddressInfo, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it, type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { makeIso } from '#host/block/iso.ts'
import { createQemuImg } from '#host/block/qemu-img.ts'
import { buildGuest, verifyGuest, type Guest } from '#host/guest/build-guest.ts'
import { createExec } from '#host/node/exec.ts'

const exec = createExec()
const cacheDir = join(import.meta.dirname, '../../../node_modules/.cache/koto-guest')
const UUID = '6e3f2c10-0b1f-4b47-9c0e-0d3c9c2f7a11'
const META = { uuid: UUID, hostname: 'vm-one.novalocal', name: 'vm-one', launch_index: 0 }
const USER_DATA = '#!/bin/sh\necho "user data as $(id -un) on $(hostname)"\n'

let guest: Guest
let dir: string
let key = ''
let skip: string | undefined

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'koto-boot-'))
  try {
    guest = await buildGuest({ cacheDir, exec })
    await exec.run(['qemu-system-x86_64', '--version'])
    await exec.run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', 'test', '-f', join(dir, 'key')])
    key = (await readFile(join(dir, 'key.pub'), 'utf8')).trim()
  } catch (error) {
    skip = error instanceof Error ? error.message : String(error)
  }
})
after(() => rm(dir, { recursive: true, force: true }))

/** Waits until `test` gives something; fails with `what` after a minute. */
async function until<T>(what: string, test: () => T | undefined | Promise<T | undefined>): Promise<T> {
  for (const end = performance.now() + 60_000; performance.now() < end; await pause(50)) {
    const value = await test()
    if (value !== undefined && value !== false) return value
  }
  return assert.fail(`${what} did not happen within a minute`)
}

async function freePort(): Promise<number> {
  const server = createTcp().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}

/** A guest that runs: its serial line as text, its monitor, its ssh port. */
interface Running {
  readonly process: ChildProcess
  readonly sshPort: number
  said(text: string): boolean
  type(line: string): void
  monitor(execute: string, args?: object): Promise<unknown>
  ssh(command: string, user?: string): Promise<string>
}

async function start(t: TestContext, name: string, how: string[], network: string): Promise<Running> {
  const disk = join(dir, `${name}.qcow2`)
  await createQemuImg({ exec }).createOverlay(disk, {
    backing: guest.disk.path,
    backingFormat: 'qcow2',
    sizeBytes: 2 ** 29,
  })
  const sshPort = await freePort()
  const [serialPath, monitorPath] = [join(dir, `${name}.serial`), join(dir, `${name}.qmp`)]
  const child = spawn(
    'qemu-system-x86_64',
    [
      ...['-M', 'pc', '-accel', 'tcg,tb-size=32', '-m', '128', '-nodefaults', '-display', 'none', '-vga', 'std'],
      ...['-serial', `unix:${serialPath},server=on,wait=off`, '-qmp', `unix:${monitorPath},server=on,wait=off`],
      ...[
        '-device',
        'virtio-rng-pci',
        '-drive',
        `file=${disk},format=qcow2,if=none,id=root`,
        '-device',
        'virtio-blk-pci,drive=root',
      ],
      ...['-netdev', `user,id=net,hostfwd=tcp:127.0.0.1:${sshPort}-:22${network}`],
      ...['-device', 'virtio-net-pci,netdev=net,romfile=,mac=52:54:00:12:34:56', ...how],
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  )
  t.after(() => child.kill('SIGKILL'))
  const open = (path: string): Promise<Socket> =>
    until(path, async () => {
      const socket = connect(path)
      const connected = await Promise.race([
        once(socket, 'connect').then(() => true),
        once(socket, 'error').then(() => false),
      ]).catch(() => false)
      return connected ? socket : undefined
    })
  const serial = await open(serialPath)
  let text = ''
  serial.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
  const qmp = await open(monitorPath)
  const answers = new Map<number, (value: unknown) => void>()
  let rest = ''
  qmp.setEncoding('utf8').on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      const message = JSON.parse(line) as { id?: number }
      if (message.id !== undefined) answers.get(message.id)?.(message)
    }
  })
  let number = 0
  const monitor = (execute: string, args: object = {}): Promise<unknown> =>
    new Promise(resolve => {
      answers.set((number += 1), resolve)
      qmp.write(`${JSON.stringify({ execute, arguments: args, id: number })}\n`)
    })
  await monitor('qmp_capabilities')
  t.after(() => (serial.destroy(), qmp.destroy()))
  const options = [
    'BatchMode=yes',
    'IdentitiesOnly=yes',
    'StrictHostKeyChecking=no',
    'UserKnownHostsFile=/dev/null',
    'LogLevel=ERROR',
    'ConnectTimeout=20',
  ]
  return {
    process: child,
    sshPort,
    said: wanted => text.includes(wanted),
    type: line => {
      text = ''
      serial.write(`${line}\n`)
    },
    monitor,
    ssh: async (command, user = 'koto') => {
      const target = ['-p', `${sshPort}`, '-i', join(dir, 'key'), `${user}@127.0.0.1`, command]
      return (await exec.run(['ssh', ...options.flatMap(option => ['-o', option]), ...target])).stdout.trim()
    },
  }
}

async function powerOff(running: Running): Promise<void> {
  const gone = once(running.process, 'exit')
  await running.monitor('system_powerdown')
  assert.deepEqual(await gone, [0, null])
}

void describe('koto-tiny', { timeout: 180_000 }, () => {
  void it('is found again in the cache, unless somebody touched it', async t => {
    if (skip !== undefined) return t.skip(skip)
    const started = performance.now()
    const again = await buildGuest({ cacheDir, exec })
    assert.ok(performance.now() - started < 500)
    assert.equal(again.cached, true)
    assert.equal(again.disk.sha256, guest.disk.sha256)
    assert.deepEqual(await verifyGuest(again), [])
    assert.match(
      (await verifyGuest({ ...again, disk: { ...again.disk, sha256: 'x' } })).join(),
      /is not what was built/,
    )
  })

  void it('starts with its kernel beside it and learns everything from a config drive', async t => {
    if (skip !== undefined) return t.skip(skip)
    const files = {
      'openstack/latest/meta_data.json': JSON.stringify({ ...META, public_keys: { test: `${key}\n` } }),
      'openstack/latest/user_data': USER_DATA,
      'openstack/latest/network_data.json': '{"links":[],"networks":[],"services":[]}',
    }
    await makeIso({ exec, volumeId: 'config-2', files, out: join(dir, 'drive.iso') })
    const boot = ['-kernel', guest.kernel.path, '-initrd', guest.ramdisk.path, '-append', guest.commandLine]
    const drive = [
      '-drive',
      `file=${join(dir, 'drive.iso')},format=raw,readonly=on,if=none,id=cd`,
      '-device',
      'virtio-blk-pci,drive=cd',
    ]
    const one = await start(t, 'one', [...boot, ...drive], '')
    await until('the login prompt', () => one.said('vm-one login:') && one.said('koto-tiny: finished'))
    assert.ok(one.said('user data as root on vm-one'))

    assert.equal(await one.ssh('id -un; sudo id -un; sudo -i pwd; hostname'), 'koto\nroot\n/root\nvm-one')
    assert.ok(Number(await one.ssh("df -m / | awk 'END { print $2 }'")) > 450, 'the root file system has grown')
    await assert.rejects(one.ssh('true', 'nobody'), /denied/)

    one.type('koto')
    await until('the password prompt', () => one.said('Password:'))
    one.type('koto')
    await until('a shell', () => one.said('koto@vm-one'))

    // The screen: QEMU's VGA card shows what tty1 has, and its keyboard is heard.
    const onScreen = async (): Promise<string> => {
      const file = join(dir, 'screen')
      await one.monitor('pmemsave', { val: 0xb8000, size: 4000, filename: file })
      return Buffer.from((await readFile(file)).filter((_, index) => index % 2 === 0)).toString('latin1')
    }
    await until('a login on the screen', async () => (await onScreen()).includes('vm-one login:'))
    const keys = ['k', 'o', 't', 'o', 'ret'].map(data => ({ type: 'qcode', data }))
    for (const key of keys) await one.monitor('send-key', { keys: [key] })
    await until('a password is asked for on the screen', async () => (await onScreen()).includes('Password:'))

    const volume = join(dir, 'volume.qcow2')
    await createQemuImg({ exec }).createBlank(volume, { format: 'qcow2', sizeBytes: 2 ** 26 })
    await one.monitor('blockdev-add', { driver: 'qcow2', 'node-name': 'v', file: { driver: 'file', filename: volume } })
    await one.monitor('device_add', { driver: 'virtio-blk-pci', drive: 'v', id: 'v', serial: 'volume-id' })
    const seen = await one.ssh(
      'for i in $(seq 50); do [ -b /dev/vdc ] && break; usleep 100000; done; cat /sys/block/vdc/serial; sudo mkfs.ext4 -q /dev/vdc && sudo mount /dev/vdc /mnt && echo ok && sudo umount /mnt',
    )
    assert.equal(seen.replace('\n', ''), 'volume-idok')
    await one.monitor('device_del', { id: 'v' })
    assert.equal(
      await one.ssh('for i in $(seq 50); do [ -b /dev/vdc ] || break; usleep 100000; done; ls /dev/vd?'),
      '/dev/vda\n/dev/vdb',
    )
    await powerOff(one)
  })

  void it('starts by BIOS and asks the metadata service', async t => {
    if (skip !== undefined) return t.skip(skip)
    if (!guest.bios) return t.skip('built without syslinux and mtools')
    const asked: string[] = []
    const pages: Record<string, string> = {
      '/openstack/latest/meta_data.json': JSON.stringify({ ...META, hostname: 'vm-two', public_keys: { a: key } }),
      '/openstack/latest/user_data': USER_DATA,
    }
    const server: Server = createServer((request, response) => {
      asked.push(request.url ?? '')
      const page = pages[request.url ?? '']
      response.writeHead(page === undefined ? 404 : 200).end(page)
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.after(() => server.close())
    const pipe = join(dir, 'pipe.cjs')
    await writeFile(
      pipe,
      "const s = require('net').connect(+process.argv[2], '127.0.0.1'); process.stdin.pipe(s).pipe(process.stdout); s.on('end', () => process.exit())",
    )
    const forward = `cmd:${process.execPath} ${pipe} ${(server.address() as AddressInfo).port}`
    const two = await start(
      t,
      'two',
      [],
      `,net=169.254.169.0/24,dhcpstart=169.254.169.15,guestfwd=tcp:169.254.169.254:80-${forward}`,
    )
    await until('the login prompt', () => two.said('vm-two login:') && two.said('koto-tiny: finished'))
    assert.deepEqual(asked, ['/openstack/latest/meta_data.json', '/openstack/latest/user_data'])
    assert.ok(two.said('user data as root on vm-two'))
    assert.equal(await two.ssh('id -un', 'root'), 'root')
    await powerOff(two)
  })
})
