// The text QEMU is started with, line by line.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  blockNodes,
  commandLine,
  diskDevice,
  nodeName,
  type Machine,
  type MachineDisk,
} from '#host/qemu/command-line.ts'

const root: MachineDisk = {
  id: 'root',
  layer: {
    format: 'qcow2',
    file: { kind: 'file', path: 'root.qcow2' },
    backing: { format: 'raw', file: { kind: 'file', path: 'base.raw' }, backing: null },
  },
  readOnly: false,
  bus: 'virtio',
  slot: 5,
}
const machine: Machine = {
  uuid: '11111111-2222-4333-8444-555555555555',
  binary: 'qemu-system-x86_64',
  accel: 'tcg',
  cpuModel: 'qemu64',
  vcpus: 2,
  memoryMb: 64,
  kernel: { path: 'kernel', ramdisk: 'ramdisk', cmdline: 'root=/dev/vda console=ttyS0' },
  disks: [root],
  nics: [
    {
      id: 'nic-a',
      mac: 'fa:16:3e:00:00:01',
      slot: 18,
      mtu: 1450,
      model: 'virtio',
      wire: { kind: 'tap', name: 'tapa', vhost: false },
    },
  ],
  incoming: false,
  product: { version: '1.0.0' },
}

/** Options and their values, one pair a line. */
function lines(argv: readonly string[]): string[] {
  const text: string[] = []
  for (const word of argv) {
    if (word.startsWith('-') || text.length === 0) text.push(word)
    else text.push(`${text.pop()} ${word}`)
  }
  return text
}

describe('QEMU’s command line', () => {
  it('reads so for a guest with a kernel, a disk and a wire', () => {
    assert.deepEqual(lines(commandLine(machine)), [
      'qemu-system-x86_64',
      '-nodefaults',
      '-no-user-config',
      '-name guest=11111111-2222-4333-8444-555555555555,debug-threads=off',
      '-uuid 11111111-2222-4333-8444-555555555555',
      '-sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny',
      '-M pc,usb=off,vmport=off,dump-guest-core=off',
      '-accel tcg,tb-size=32',
      '-cpu qemu64',
      '-m size=96M',
      '-smp cpus=2,sockets=1,cores=2,threads=1',
      '-rtc base=utc,driftfix=slew',
      '-smbios type=1,manufacturer=OpenStack Foundation,product=OpenStack Nova,version=1.0.0,serial=11111111-2222-4333-8444-555555555555,uuid=11111111-2222-4333-8444-555555555555,family=Virtual Machine',
      '-display none',
      '-vnc unix:run/vnc.sock',
      '-qmp unix:run/qmp.sock,server=on,wait=off',
      '-chardev socket,id=serial0,path=run/serial.sock,server=on,wait=off,logfile=serial.log,logappend=on',
      '-device {"driver":"isa-serial","chardev":"serial0","id":"serial"}',
      '-device {"driver":"pvpanic"}',
      '-device {"driver":"VGA","id":"video","addr":"0x2","vgamem_mb":8}',
      '-object {"qom-type":"rng-random","id":"entropy0","filename":"/dev/urandom"}',
      '-device {"driver":"virtio-rng-pci","rng":"entropy0","id":"entropy","addr":"0x3"}',
      '-device {"driver":"virtio-balloon-pci","id":"balloon","addr":"0x4"}',
      '-blockdev {"node-name":"n-root","driver":"qcow2","read-only":false,"discard":"unmap","backing":{"node-name":"n-root-1","driver":"raw","read-only":true,"discard":"unmap","file":{"driver":"file","filename":"base.raw","discard":"unmap"}},"file":{"driver":"file","filename":"root.qcow2","discard":"unmap"}}',
      '-device {"driver":"virtio-blk-pci","addr":"0x5","id":"d-root","drive":"n-root","werror":"enospc","rerror":"report"}',
      '-netdev {"type":"tap","id":"w-nic-a","ifname":"tapa","script":"no","downscript":"no","vhost":false}',
      '-device {"driver":"virtio-net-pci","id":"d-nic-a","netdev":"w-nic-a","mac":"fa:16:3e:00:00:01","addr":"0x12","romfile":"","host_mtu":1450}',
      '-kernel kernel',
      '-initrd ramdisk',
      '-append root=/dev/vda console=ttyS0',
    ])
  })

  it('boots the first disk by firmware when there is no kernel, and waits for memory when asked', () => {
    const { kernel: _, ...rest } = machine
    const text = lines(
      commandLine({
        ...rest,
        accel: 'kvm',
        cpuModel: 'host',
        memoryMb: 2048,
        incoming: true,
        disks: [{ ...root, bootIndex: 1 }],
      }),
    )
    assert.ok(text.includes('-accel kvm') && text.includes('-cpu host') && text.includes('-m size=2048M'))
    assert.deepEqual(text.slice(-2), ['-boot strict=on', '-incoming defer'])
    assert.ok(!text.some(line => line.startsWith('-kernel') || line.startsWith('-append')))
    assert.ok(text.some(line => line.includes('"bootindex":1')))
  })

  it('states the format of every layer and follows no name inside a file', () => {
    const [node] = blockNodes({
      ...root,
      layer: { format: 'qcow2', file: { kind: 'file', path: 'v' }, backing: null },
    }) as { backing: unknown; driver: string }[]
    assert.equal(node?.driver, 'qcow2')
    assert.equal(node?.backing, null)
    const every = JSON.stringify(commandLine(machine))
    assert.ok(!every.includes('snapshot=on') && !every.includes('"format"'))
  })

  it('opens NBD exports by socket or address, always as raw', () => {
    const nbd = (file: MachineDisk['layer']['file']): unknown =>
      blockNodes({ ...root, id: 'x', layer: { format: 'raw', file, backing: null } })[0]
    assert.deepEqual(nbd({ kind: 'nbd', socket: 'v.sock', export: 'e' }), {
      'node-name': 'n-x',
      driver: 'raw',
      'read-only': false,
      discard: 'unmap',
      file: { driver: 'nbd', server: { type: 'unix', path: 'v.sock' }, export: 'e', 'reconnect-delay': 10 },
    })
    assert.deepEqual(
      (nbd({ kind: 'nbd-tcp', host: '10.0.0.1', port: 10809, export: 'e' }) as { file: { server: unknown } }).file
        .server,
      {
        type: 'inet',
        host: '10.0.0.1',
        port: '10809',
      },
    )
  })

  it('keeps node names within QEMU’s 31 characters and serials within virtio’s 20', () => {
    const id = 'vol-06e969d5-4ab7-4cbe-9730-668160a1a9b2'
    assert.equal(nodeName(id), 'n-vol06e969d54ab74cbe973066')
    assert.ok(`${nodeName(id)}.999`.length <= 31)
    assert.equal(diskDevice({ ...root, id, serial: id.slice(4) }).serial, '06e969d5-4ab7-4cbe-9')
  })

  it('knows the other buses', () => {
    assert.deepEqual(diskDevice({ ...root, bus: 'ide', slot: 3 }), {
      driver: 'ide-hd',
      bus: 'ide.1',
      unit: 1,
      id: 'd-root',
      drive: 'n-root',
    })
    assert.deepEqual(diskDevice({ ...root, bus: 'ide-cdrom', slot: 2 }), {
      driver: 'ide-cd',
      bus: 'ide.1',
      unit: 0,
      id: 'd-root',
      drive: 'n-root',
    })
    assert.deepEqual(diskDevice({ ...root, bus: 'scsi', slot: 4 }), {
      driver: 'scsi-hd',
      bus: 'scsi0.0',
      'scsi-id': 4,
      id: 'd-root',
      drive: 'n-root',
    })
    assert.ok(
      lines(commandLine({ ...machine, disks: [{ ...root, bus: 'scsi', slot: 0 }] })).some(line =>
        line.includes('virtio-scsi-pci'),
      ),
    )
  })

  it('refuses what no guest can be', () => {
    assert.throws(() => commandLine({ ...machine, uuid: 'x,y=z' }), RangeError)
    assert.throws(() => commandLine({ ...machine, vcpus: 0 }), RangeError)
  })
})
