// Just enough of ELF to gather what a program or a kernel needs: shared libraries, a module's own description, the PVH entry.

interface Section {
  readonly name: string
  readonly bytes: Buffer
}

/** The sections of a 64-bit little-endian ELF file; throws `Error` for anything else. */
function sections(file: Buffer): Section[] {
  if (file.length < 64 || file.readUInt32BE(0) !== 0x7f454c46 || file[4] !== 2) throw new Error('not a 64-bit ELF file')
  const table = Number(file.readBigUInt64LE(40))
  const size = file.readUInt16LE(58)
  const count = file.readUInt16LE(60)
  const raw = Array.from({ length: count }, (_, index) => {
    const at = table + index * size
    const offset = Number(file.readBigUInt64LE(at + 24))
    const length = file.readUInt32LE(at + 4) === 8 ? 0 : Number(file.readBigUInt64LE(at + 32))
    return { name: file.readUInt32LE(at), bytes: file.subarray(offset, offset + length) }
  })
  const names = raw[file.readUInt16LE(62)]?.bytes ?? Buffer.alloc(0)
  return raw.map(({ name, bytes }) => ({ name: text(names, name), bytes }))
}

function text(bytes: Buffer, start: number): string {
  const end = bytes.indexOf(0, start)
  return bytes.toString('latin1', start, end === -1 ? bytes.length : end)
}

/** The sonames a program or library is linked with (DT_NEEDED), e.g. `libc.so.6`. A static program has none. */
export function neededLibraries(file: Buffer): string[] {
  const all = sections(file)
  const dynamic = all.find(({ name }) => name === '.dynamic')?.bytes
  const strings = all.find(({ name }) => name === '.dynstr')?.bytes
  if (dynamic === undefined || strings === undefined) return []
  const needed: string[] = []
  for (let at = 0; at + 16 <= dynamic.length; at += 16)
    if (dynamic.readBigUInt64LE(at) === 1n) needed.push(text(strings, Number(dynamic.readBigUInt64LE(at + 8))))
  return needed
}

/** The program loader a dynamic program names, e.g. `/lib64/ld-linux-x86-64.so.2`. */
export function interpreter(file: Buffer): string | undefined {
  const found = sections(file).find(({ name }) => name === '.interp')
  return found === undefined ? undefined : text(found.bytes, 0)
}

/** What a kernel module says of itself: modules it needs before it, and device patterns it serves. */
export function moduleInfo(file: Buffer): { depends: string[]; aliases: string[] } {
  const info =
    sections(file)
      .find(({ name }) => name === '.modinfo')
      ?.bytes.toString('latin1') ?? ''
  const fields = info.split('\0')
  const depends = fields.find(field => field.startsWith('depends='))?.slice('depends='.length) ?? ''
  return {
    depends: depends.split(',').filter(name => name !== ''),
    aliases: fields.filter(field => field.startsWith('alias=')).map(field => field.slice('alias='.length)),
  }
}

const SIGNED = Buffer.from('~Module signature appended~\n')

/** A module without the signature at its end: under emulation checking it costs more than loading it, and no kernel here insists. */
export function withoutSignature(file: Buffer): Buffer {
  if (!file.subarray(-SIGNED.length).equals(SIGNED)) return file
  const trailer = file.length - SIGNED.length - 12
  return file.subarray(0, trailer - file.readUInt32BE(trailer + 8))
}

/** Can QEMU enter this kernel directly, by the PVH note (Xen, type 18)? */
export function hasPvhEntry(file: Buffer): boolean {
  for (const { name, bytes } of sections(file)) {
    if (!name.startsWith('.note')) continue
    for (let at = 0; at + 16 <= bytes.length;) {
      if (bytes.readUInt32LE(at + 8) === 18 && bytes.toString('latin1', at + 12, at + 16) === 'Xen\0') return true
      at += 12 + align(bytes.readUInt32LE(at)) + align(bytes.readUInt32LE(at + 4))
    }
  }
  return false
}

function align(length: number): number {
  return Math.ceil(length / 4) * 4
}
