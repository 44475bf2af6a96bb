// The pieces of the guest's build, each by itself: ELF, LZ4, cpio, modules, packages.
import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { archive, FILE, FOLDER, LINK } from '#host/guest/cpio.ts'
import { hasPvhEntry, interpreter, moduleInfo, neededLibraries, withoutSignature } from '#host/guest/elf.ts'
import { aliasLines, collectModules, dependencyLines, unpackKernel, unpackLz4 } from '#host/guest/kernel.ts'
import { createPackages } from '#host/guest/packages.ts'
import { createExec, type Exec } from '#host/node/exec.ts'

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'koto-guest-'))
  t.after(() => rm(path, { recursive: true, force: true }))
  return path
}

/** An ELF file with nothing but these sections. */
function elf(sections: Record<string, Buffer>): Buffer {
  const named = { '': Buffer.alloc(0), ...sections }
  const names = Buffer.from(`${[...Object.keys(named), '.shstrtab'].join('\0')}\0`, 'latin1')
  const all = { ...named, '.shstrtab': names }
  const header = Buffer.alloc(64)
  header.writeUInt32BE(0x7f454c46, 0)
  header[4] = 2
  const bodies = Buffer.concat(Object.values(all))
  header.writeBigUInt64LE(BigInt(64 + bodies.length), 40)
  header.writeUInt16LE(64, 58)
  header.writeUInt16LE(Object.keys(all).length, 60)
  header.writeUInt16LE(Object.keys(all).length - 1, 62)
  let offset = 64
  let name = 0
  const table = Object.entries(all).map(([key, bytes]) => {
    const entry = Buffer.alloc(64)
    entry.writeUInt32LE(name, 0)
    entry.writeUInt32LE(1, 4)
    entry.writeBigUInt64LE(BigInt(offset), 24)
    entry.writeBigUInt64LE(BigInt(bytes.length), 32)
    offset += bytes.length
    name += key.length + 1
    return entry
  })
  return Buffer.concat([header, bodies, ...table])
}

function module(depends: string, ...aliases: string[]): Buffer {
  return elf({
    '.modinfo': Buffer.from([`depends=${depends}`, ...aliases.map(each => `alias=${each}`), ''].join('\0')),
  })
}

void describe('ELF', () => {
  void it('names libraries and loader', () => {
    const dynamic = Buffer.alloc(48)
    dynamic.writeBigUInt64LE(1n, 0)
    dynamic.writeBigUInt64LE(1n, 8)
    dynamic.writeBigUInt64LE(5n, 16)
    const file = elf({
      '.dynamic': dynamic,
      '.dynstr': Buffer.from('\0libc.so.6\0'),
      '.interp': Buffer.from('/lib64/ld.so\0'),
    })
    assert.deepEqual(neededLibraries(file), ['libc.so.6'])
    assert.equal(interpreter(file), '/lib64/ld.so')
    assert.deepEqual(neededLibraries(elf({})), [])
    assert.throws(() => neededLibraries(Buffer.from('#!/bin/sh\n')), /ELF/)
  })

  void it('reads what a module says of itself, and takes its signature off', () => {
    const plain = module('a,b-c', 'pci:v1d2*', 'virtio:d1v*')
    assert.deepEqual(moduleInfo(plain), { depends: ['a', 'b-c'], aliases: ['pci:v1d2*', 'virtio:d1v*'] })
    const trailer = Buffer.alloc(12)
    trailer.writeUInt32BE(100, 8)
    const signed = Buffer.concat([plain, Buffer.alloc(100, 7), trailer, Buffer.from('~Module signature appended~\n')])
    assert.ok(withoutSignature(signed).equals(plain))
    assert.ok(withoutSignature(plain).equals(plain))
  })

  void it('finds the PVH note behind others', () => {
    const note = (type: number, name: string): Buffer => {
      const bytes = Buffer.alloc(20)
      bytes.writeUInt32LE(4, 0)
      bytes.writeUInt32LE(4, 4)
      bytes.writeUInt32LE(type, 8)
      bytes.write(name, 12)
      return bytes
    }
    assert.equal(hasPvhEntry(elf({ '.notes': Buffer.concat([note(1, 'GNU'), note(18, 'Xen')]) })), true)
    assert.equal(hasPvhEntry(elf({ '.notes': Buffer.concat([note(18, 'GNU'), note(6, 'Xen')]) })), false)
  })
})

void describe('LZ4', () => {
  const frame = (...blocks: number[][]): Buffer => {
    const parts: Buffer[] = [Buffer.from([0x02, 0x21, 0x4c, 0x18])]
    for (const block of blocks) {
      const length = Buffer.alloc(4)
      length.writeUInt32LE(block.length)
      parts.push(length, Buffer.from(block))
    }
    return Buffer.concat(parts)
  }
  const text = (value: string): number[] => [...Buffer.from(value)]

  void it('unpacks literals, matches, overlaps and several blocks', async () => {
    const block = [0x32, ...text('abc'), 3, 0, 0x10, ...text('x'), 1, 0, 0x50, ...text('end!!')]
    // abc + 6 back over 3 → abcabc; x; 4 back over 1 → xxxx; the last five are literals
    const once = 'abcabcabcxxxxxend!!'
    assert.equal((await unpackLz4(frame(block), once.length)).toString(), once)
    assert.equal((await unpackLz4(frame(block, block), 2 * once.length)).toString(), once + once)
    const long = [0xf0, 255, 10, ...Array.from({ length: 280 }, () => 65)]
    assert.equal((await unpackLz4(frame(long), 280)).toString(), 'A'.repeat(280))
  })

  void it('refuses damaged data instead of reading beside it', async () => {
    await assert.rejects(unpackLz4(frame([0x14, 65, 9, 0, 0x50, ...text('end!!')]), 14), /damaged/)
    await assert.rejects(unpackLz4(frame([0x14, 65, 0, 0, 0x50, ...text('end!!')]), 14), /damaged/)
    await assert.rejects(unpackLz4(frame([0xf0, 255, 255, 255, 1, 65]), 900), /damaged/)
    await assert.rejects(unpackLz4(frame([0x10, 65]), 5), /length/)
  })

  void it('leaves alone what is no kernel', async () => {
    assert.equal(await unpackKernel(Buffer.alloc(4096)), undefined)
    assert.equal(await unpackKernel(Buffer.alloc(3)), undefined)
    const odd = Buffer.alloc(8192)
    odd.write('HdrS', 0x202)
    odd.writeUInt32LE(64, 0x24c)
    assert.equal(await unpackKernel(odd), undefined)
  })
})

void describe('the first root in memory', () => {
  void it('is a cpio archive that cpio can read', async t => {
    const bytes = archive([
      { path: 'bin', mode: FOLDER },
      { path: 'bin/x', mode: FILE, contents: 'hello' },
      { path: 'bin/y', mode: LINK, contents: 'x' },
    ])
    assert.equal(bytes.length % 512, 0)
    assert.equal(bytes.toString('latin1', 0, 6), '070701')
    const dir = await folder(t)
    await writeFile(join(dir, 'a.cpio'), bytes)
    const listed = await createExec()
      .run(['cpio', '-itv', '--quiet', '-F', join(dir, 'a.cpio')], { anyCode: true })
      .catch(() => undefined)
    if (listed === undefined) return t.skip('no cpio here')
    assert.match(
      listed.stdout,
      /^drwxr-xr-x +2 root.* bin\n-rw-r--r-- +1 root +root +5 .* bin\/x\nlrwxrwxrwx .* bin\/y -> x\n$/,
    )
  })
})

void describe('kernel modules', () => {
  void it('come with what they need, before what needs them, compressed or not', async t => {
    const dir = await folder(t)
    const kernel = join(dir, 'kernel', 'drivers')
    await mkdir(kernel, { recursive: true })
    const { gzipSync, zstdCompressSync } = await import('node:zlib')
    await writeFile(join(kernel, 'virtio-net.ko'), module('failover,virtio_ring', 'virtio:d00000001v*'))
    await writeFile(join(kernel, 'failover.ko.gz'), gzipSync(module('')))
    await writeFile(join(kernel, 'virtio_ring.ko.zst'), zstdCompressSync(module('')))
    await writeFile(join(kernel, 'unwanted.ko'), module(''))
    const found = await collectModules(dir, ['virtio_net', 'built_in'], createExec())
    assert.deepEqual(
      found.map(each => each.name),
      ['failover', 'virtio_ring', 'virtio_net'],
    )
    assert.equal(dependencyLines(found), 'failover.ko:\nvirtio_ring.ko:\nvirtio_net.ko: failover.ko virtio_ring.ko\n')
    assert.equal(aliasLines(found), 'alias virtio:d00000001v* virtio_net\n')
  })
})

void describe('packages', () => {
  /** A system with `mtools`, an archive with `doas` and `kernel`. */
  function system(dir: string, online: boolean): { exec: Exec; lines: string[] } {
    const lines: string[] = []
    const run: Exec['run'] = async (argv, options) => {
      const line = argv.filter(word => !/^(Dir|Acquire)::/.test(word) && word !== '-o').join(' ')
      lines.push(line)
      const answer = (stdout: string): { code: number; stdout: string; stderr: string } => ({
        code: 0,
        stdout,
        stderr: '',
      })
      if (line.startsWith('dpkg-query'))
        return answer('mtools installed 4.0\nlibold:amd64 installed 1\nremoved config-files 2\n')
      if (line.includes('--print-uris')) {
        const names = argv.slice(argv.indexOf('--print-uris') + 1)
        if (!online || names.includes('unknown')) throw new Error('no')
        return answer(
          names.map(name => `'http://x/${name}_1%3a2_amd64.deb' ${name}_1%3a2_amd64.deb 9 SHA256:0\n`).join(''),
        )
      }
      if (line.startsWith('apt-get -q download')) {
        for (const name of argv.slice(argv.indexOf('download') + 1))
          await writeFile(join(options?.cwd ?? '', `${name}_1%3a2_amd64.deb`), '')
        return answer('')
      }
      if (line.includes('-qq update')) throw new Error('no network')
      if (line.endsWith('Version')) return answer('1:2\n')
      if (line.endsWith('Depends'))
        return answer(
          line.includes('doas') ? 'Depends: libc6 (>= 2), libold, mtools | other\nPre-Depends: libnew\n' : '',
        )
      return answer('')
    }
    return { exec: { ...createExec(), run }, lines }
  }

  void it('are taken as installed, or downloaded in one go with the libraries they lack', async t => {
    const dir = await folder(t)
    const { exec, lines } = system(dir, true)
    const packages = await createPackages({
      exec,
      folder: join(dir, 'debs'),
      unpacked: join(dir, 'u'),
      log: () => undefined,
    })
    await packages.prepare(['mtools', 'doas', 'kernel'])
    assert.deepEqual(lines.slice(1), ['apt-get download --print-uris doas kernel', 'apt-get -q download doas kernel'])
    assert.deepEqual(await packages.find('mtools'), { name: 'mtools', version: '4.0', root: '/' })
    assert.deepEqual(await packages.find('doas'), { name: 'doas', version: '1:2', root: join(dir, 'u', 'doas') })
    assert.deepEqual(Object.keys(packages.used()), ['doas', 'libc6', 'libnew', 'mtools'])
  })

  void it('of an earlier build serve when nothing can be reached; what was never there is nothing', async t => {
    const dir = await folder(t)
    await mkdir(join(dir, 'debs'))
    await writeFile(join(dir, 'debs', 'doas_1%3a1_amd64.deb'), '')
    const { exec } = system(dir, false)
    const packages = await createPackages({
      exec,
      folder: join(dir, 'debs'),
      unpacked: join(dir, 'u'),
      log: () => undefined,
    })
    await packages.prepare(['doas', 'kernel'])
    assert.equal((await packages.find('doas'))?.root, join(dir, 'u', 'doas'))
    assert.equal(await packages.find('kernel'), undefined)
    assert.equal(await packages.find('removed'), undefined)
  })
})

void describe('the guest’s own scripts', () => {
  const files = join(import.meta.dirname, 'files')
  const exec = createExec()

  /** Runs one of the awk scripts with busybox, as the guest does. */
  async function awk(t: TestContext, script: string, input: string): Promise<string | undefined> {
    const done = await exec.run(['busybox', 'awk', '-f', join(files, script)], { stdin: input }).catch(() => undefined)
    if (done === undefined) t.skip('busybox is not installed')
    return done?.stdout
  }

  void it('read JSON: nesting, escapes, numbers, nothing', async t => {
    const json = '{"a":{"b":[1,{"c":null,"d":true}],"e":{}},"f":[],"k\\"":"x\\ny=\\u0026\\/","n":-1.5e3,"s":""}'
    const flat = await awk(t, 'json.awk', json)
    if (flat !== undefined) assert.equal(flat, 'a.b.0=1\na.b.1.c=\na.b.1.d=true\nk"=x\\ny=&/\nn=-1.5e3\ns=\n')
  })

  void it('set fixed addresses at once and keep those of DHCP for later', async t => {
    const links = [
      { id: 'l', ethernet_mac_address: 'FA:16:3E:00:00:01', mtu: 1450 },
      { id: 'm', ethernet_mac_address: 'fa:16:3e:00:00:02' },
    ]
    const routes = [{ network: '0.0.0.0', netmask: '0.0.0.0', gateway: '10.0.0.1' }]
    const fixed = { id: 'n', type: 'ipv4', link: 'l', ip_address: '10.0.0.5', netmask: '255.255.255.192', routes }
    const dynamic = { id: 'o', type: 'ipv4_dhcp', link: 'm', ip_address: '10.1.0.5', netmask: '255.255.0.0' }
    const evil = { id: 'p', type: 'ipv4', link: 'l', ip_address: '$(reboot)', netmask: '24' }
    const data = {
      links,
      networks: [fixed, dynamic, evil, { id: 'q', type: 'ipv6_slaac', link: 'l' }],
      services: [{ type: 'dns', address: '10.0.0.2' }],
    }
    const flat = await awk(t, 'json.awk', JSON.stringify(data))
    const shell = flat === undefined ? undefined : await awk(t, 'network.awk', flat)
    if (shell === undefined) return
    assert.equal(
      shell,
      [
        ': >later.sh',
        "static fa:16:3e:00:00:01 '1450' 10.0.0.5/26",
        'static_route fa:16:3e:00:00:01 default 10.0.0.1',
        'static_dns 10.0.0.2',
        "cat >later.sh <<'END'",
        "static fa:16:3e:00:00:02 '' 10.1.0.5/16",
        'static_dns 10.0.0.2',
        'END',
        '',
      ].join('\n'),
    )
  })

  void it('turn #cloud-config into commands', async t => {
    const config = [
      '#cloud-config',
      'hostname: "web.example.org"',
      "password: it's",
      'ssh_authorized_keys: ',
      '  - ssh-ed25519 AAAA me',
      'write_files:',
      '- path: /etc/a',
      "  permissions: '0600'",
      '  content: |',
      '    one',
      '      two',
      '- {path: ignored}',
      'runcmd:',
      ' - echo hi # not a comment for yaml',
      ' - [ ls, "-l a" ]',
    ]
    const script = await awk(t, 'config.awk', config.join('\n'))
    if (script === undefined) return
    assert.match(script, /^#!\/bin\/sh\nhostname 'web'; hostname >\/etc\/hostname\necho 'koto:it'\\''s' \| chpasswd\n/)
    assert.match(script, /echo 'ssh-ed25519 AAAA me' >>\$h\/.ssh\/authorized_keys/)
    assert.match(script, /mkdir -p '\/etc'\nprintf %s 'one\n {2}two\n' >'\/etc\/a'\nchmod '0600' '\/etc\/a'\n/)
    assert.match(script, /sh -c 'echo hi'\n'ls' '-l a'\n$/)
  })

  void it('make doas understand sudo', async t => {
    const dir = await folder(t)
    await writeFile(join(dir, 'doas'), '#!/bin/sh\nfor a; do printf "<%s>" "$a"; done\n', { mode: 0o755 })
    const sudo = async (...args: string[]): Promise<string> =>
      (
        await exec.run(['sh', join(files, 'sudo'), ...args], {
          env: { PATH: `${dir}:${process.env['PATH'] ?? ''}` },
          anyCode: true,
        })
      ).stdout
    assert.equal(await sudo('dd', 'if=/dev/zero', 'of=x'), '<-u><root><dd><if=/dev/zero><of=x>')
    assert.equal(await sudo('-nH', '-u', 'koto', 'id'), '<-u><koto><id>')
    assert.equal(await sudo('--', '-x'), '<-u><root><-x>')
    assert.equal(await sudo('-s', 'echo', 'a b'), '<-u><root></bin/sh><-c><echo a b>')
    assert.match(await sudo('-i'), /^<-u><root><\/bin\/sh><-c><cd "\$HOME"; exec/)
    assert.match(await sudo("A=it's", 'env'), /exec env\s+'A=it'\\''s' "\$@"><sh><env>$/)
    assert.equal(await sudo(), '')
  })

  void it('lists disks as scripts ask for them', async () => {
    const lsblk = async (...words: string[]): Promise<string[]> =>
      (await exec.run(['sh', join(files, 'lsblk'), ...words])).stdout.split('\n').slice(0, -1)
    const [header = '', ...disks] = await lsblk('-lb', '--nodeps')
    assert.match(header, /^NAME +RM +SIZE RO TYPE MOUNTPOINTS$/)
    for (const line of disks) assert.match(line.slice(header.indexOf('TYPE')), /^(disk|rom )/)
    assert.deepEqual(await lsblk('-lbdn'), disks)
    assert.ok((await lsblk()).length > disks.length)
  })

  void it('are shell that parses', async () => {
    for (const name of [
      'init',
      'start',
      'common',
      'late',
      'userdata',
      'ifup',
      'dhcp',
      'hotplug',
      'stop',
      'screen',
      'sudo',
      'lsblk',
      'chpasswd',
    ]) {
      assert.ok((await readFile(join(files, name), 'utf8')).length > 0)
      await exec.run(['sh', '-n', join(files, name)])
    }
  })
})
