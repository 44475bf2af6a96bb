// The smallest Linux userland there is: one program that says a word and asks for a reboot. No compiler, no busybox.

/** A file, folder (mode 040755) or device of a `newc` archive, as the kernel unpacks it. */
export interface CpioEntry {
  readonly name: string
  readonly mode: number
  readonly data?: Uint8Array
  readonly device?: { readonly major: number; readonly minor: number }
}

/** An archive in cpio's `newc` format, its trailer included. */
export function cpioArchive(entries: readonly CpioEntry[]): Uint8Array {
  const parts: Uint8Array[] = []
  const encoder = new TextEncoder()
  const pad = (length: number): Uint8Array => new Uint8Array((4 - (length % 4)) % 4)
  const hex = (value: number): string => value.toString(16).padStart(8, '0')
  ;[...entries, { name: 'TRAILER!!!', mode: 0 } satisfies CpioEntry].forEach((entry: CpioEntry, index) => {
    const data = entry.data ?? new Uint8Array()
    const name = encoder.encode(`${entry.name}\0`)
    const fields = [
      index + 1,
      entry.mode,
      0,
      0,
      1,
      0,
      data.length,
      0,
      0,
      entry.device?.major ?? 0,
      entry.device?.minor ?? 0,
      name.length,
      0,
    ]
    const header = encoder.encode(`070701${fields.map(hex).join('')}`)
    parts.push(header, name, pad(header.length + name.length), data, pad(data.length))
  })
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

/** An ELF file for x86-64: writes `KVM-PROBE-OK` to its standard output, then has the kernel reboot the machine. */
export function probeInit(): Uint8Array {
  const word = new TextEncoder().encode('KVM-PROBE-OK\n')
  const base = 0x400000
  const headers = 64 + 56
  const code = [
    ...[0xb8, 1, 0, 0, 0], // mov eax, 1            write
    ...[0xbf, 1, 0, 0, 0], // mov edi, 1            standard output
    ...[0xbe, 0, 0, 0, 0], // mov esi, word         (filled in below)
    ...[0xba, word.length, 0, 0, 0], // mov edx, length
    ...[0x0f, 0x05], // syscall
    ...[0xb8, 169, 0, 0, 0], // mov eax, 169        reboot
    ...[0xbf, 0xad, 0xde, 0xe1, 0xfe], // mov edi, 0xfee1dead
    ...[0xbe, 0x69, 0x19, 0x12, 0x28], // mov esi, 672274793
    ...[0xba, 0x67, 0x45, 0x23, 0x01], // mov edx, 0x1234567  LINUX_REBOOT_CMD_RESTART
    ...[0x0f, 0x05], // syscall
    ...[0xeb, 0xfe], // jmp here
  ]
  const size = headers + code.length + word.length
  const file = new Uint8Array(size)
  const view = new DataView(file.buffer)
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0])
  view.setUint16(16, 2, true) // an executable
  view.setUint16(18, 62, true) // x86-64
  view.setUint32(20, 1, true)
  view.setBigUint64(24, BigInt(base + headers), true) // entry
  view.setBigUint64(32, 64n, true) // program headers follow
  view.setUint16(52, 64, true)
  view.setUint16(54, 56, true)
  view.setUint16(56, 1, true)
  view.setUint32(64, 1, true) // PT_LOAD
  view.setUint32(68, 5, true) // read, execute
  view.setBigUint64(80, BigInt(base), true)
  view.setBigUint64(88, BigInt(base), true)
  view.setBigUint64(96, BigInt(size), true)
  view.setBigUint64(104, BigInt(size), true)
  view.setBigUint64(112, 0x1000n, true)
  file.set(code, headers)
  view.setUint32(headers + 11, base + headers + code.length, true)
  file.set(word, headers + code.length)
  return file
}
