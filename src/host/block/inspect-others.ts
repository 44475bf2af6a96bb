// The headers of VDI, VHD, VHDX, Parallels, ISO 9660 and partition tables: sizes, and no parent that would be looked for outside.
import type { Report } from '#host/block/inspect.ts'
import { isPowerOfTwo, isZero, latin1, Malformed, type View } from '#host/block/inspect-view.ts'

/** VirtualBox's format. Answers the virtual size in bytes. */
export function inspectVdi(view: View, report: Report): number {
  const size = view.u64le(0x170)
  const type = view.u32le(0x4c)
  if (view.u32le(0x44) !== 0x00010001) report('version', 'Unsupported VDI version')
  if (type !== 1 && type !== 2) report('backing_file', 'Image has a backing file')
  if (!isZero(view.at(0x1a8, 32))) report('backing_file', 'Image has a backing file')
  if (view.u32le(0x168) !== 512) report('sector_size', 'Unsupported sector size')
  const block = view.u32le(0x178)
  if (block !== 1024 * 1024) report('block_size', 'Unsupported block size')
  else if (view.u32le(0x180) * block < size) report('block_map', 'Block map is too small for the virtual size')
  if (view.u32le(0x154) % 512 !== 0 || view.u32le(0x158) % 512 !== 0) report('block_map', 'Unaligned block map or data')
  return size
}

/** Microsoft's older format, dynamic only: a fixed one carries its mark at the end and cannot be told from raw in time. */
export function inspectVhd(view: View, report: Report): number {
  const size = view.u64be(48)
  const chs = view.u16be(56) * view.u8(58) * view.u8(59) * 512
  const type = view.u32be(60)
  if (type === 4) report('backing_file', 'Image has a backing file')
  else if (type !== 3) report('subformat', 'Unsupported subformat')
  const header = view.u64be(16)
  if (type !== 3 && type !== 4) return size
  if (header < 512 || header > 1024 * 1024) {
    report('dynamic_header', 'Dynamic disk header has an invalid offset')
    return size
  }
  if (!view.has(header, 'cxsparse')) report('dynamic_header', 'Dynamic disk header not found')
  if (!isZero(view.at(header + 40, 16)) || !isZero(view.at(header + 64, 512)) || !isZero(view.at(header + 576, 8 * 24)))
    report('backing_file', 'Image has a backing file')
  const block = view.u32be(header + 32)
  if (!isPowerOfTwo(block) || block < 512 || block > 256 * 1024 * 1024) report('block_size', 'Invalid block size')
  else if (view.u32be(header + 28) * block < Math.max(size, 0))
    report('block_map', 'Block map is too small for the virtual size')
  return Math.max(size, chs)
}

const GUID = {
  metadataRegion: '8b7ca206-4790-4b9a-b8fe-575f050f886e',
  virtualDiskSize: '2fa54224-cd1b-4876-b211-5dbed83bf4b8',
  fileParameters: 'caa16737-fa36-4d43-b3b6-33f0aa44e76b',
  parentLocator: 'a8d35f2d-b30b-454d-abf7-d3d84834ab0c',
}
const MAX_ENTRIES = 2047
const METADATA_TABLE = 64 * 1024

/** Microsoft's newer format: region table at 192 KiB → metadata table → size and parameters. */
export function inspectVhdx(view: View, report: Report): number {
  for (const header of [64 * 1024, 128 * 1024])
    if (view.has(header, 'head') && !isZero(view.at(header + 48, 16)))
      report('log', 'Image has a log that must be replayed first')

  const table = 192 * 1024
  if (!view.has(table, 'regi')) throw new Malformed('Region signature not found')
  const regions = view.u32le(table + 8)
  if (regions > MAX_ENTRIES) throw new Malformed('Region count is over the limit')
  let metadata: number | undefined
  let length = 0
  for (let index = 0; index < regions; index += 1) {
    const entry = table + 16 + index * 32
    if (guid(view.at(entry, 16)) !== GUID.metadataRegion) continue
    if (metadata !== undefined) throw new Malformed('More than one metadata region found')
    metadata = view.u64le(entry + 16)
    length = Math.min(view.u32le(entry + 24), 1024 * 1024)
  }
  if (metadata === undefined) throw new Malformed('Metadata region not found')
  if (metadata < 1024 * 1024 || metadata % (1024 * 1024) !== 0 || length < METADATA_TABLE)
    throw new Malformed('Metadata region has an invalid place')

  view.at(metadata, length) // one piece, so that a stream keeps all of it
  if (!view.has(metadata, 'metadata')) throw new Malformed('Invalid signature for metadata region')
  const items = view.u16le(metadata + 10)
  if (items > MAX_ENTRIES) throw new Malformed('Metadata item count is over the limit')
  let size: number | undefined
  for (let index = 0; index < items; index += 1) {
    const entry = metadata + 32 + index * 32
    const kind = guid(view.at(entry, 16))
    const place = view.u32le(entry + 16)
    if (kind === GUID.parentLocator) report('backing_file', 'Image has a backing file')
    if (kind !== GUID.virtualDiskSize && kind !== GUID.fileParameters) continue
    if (place < METADATA_TABLE || place + 8 > length) throw new Malformed('A metadata item lies outside of its region')
    if (kind === GUID.virtualDiskSize) {
      if (size !== undefined) throw new Malformed('More than one virtual disk size found')
      size = view.u64le(metadata + place)
    } else {
      const block = view.u32le(metadata + place)
      if ((view.u32le(metadata + place + 4) & 2) !== 0) report('backing_file', 'Image has a backing file')
      if (!isPowerOfTwo(block) || block < 1024 * 1024 || block > 256 * 1024 * 1024)
        report('block_size', 'Invalid block size')
    }
  }
  if (size === undefined) throw new Malformed('Virtual disk size not found')
  return size
}

/** Parallels (Glance's `ploop`): sizes only, it knows no parent by name. */
export function inspectPloop(view: View, report: Report): number {
  if (view.u32le(16) !== 2) report('version', 'Unsupported format version')
  const track = view.u32le(28)
  const blocks = view.u32le(32)
  const sectors = view.has(0, 'WithoutFreeSpace') ? view.u32le(36) : view.u64le(36)
  if (track === 0 || track > 0x7fffffff / 513) report('block_size', 'Invalid block size')
  else if (blocks * track < sectors) report('block_map', 'Block map is too small for the virtual size')
  return sectors * 512
}

const DESCRIPTORS = 32 * 1024

/** ISO 9660 or UDF, by the first volume descriptor at 32 KiB. */
export function isIso(view: View): boolean {
  const found = view.peek(DESCRIPTORS + 1, 5)
  return found !== undefined && ['CD001', 'NSR02', 'NSR03', 'BEA01'].includes(latin1(found))
}

/** The size the primary volume descriptor gives, in bytes; 0 for pure UDF. */
export function isoSize(view: View): number {
  if (!view.has(DESCRIPTORS + 1, 'CD001') || view.u8(DESCRIPTORS) !== 1) return 0
  return view.u32le(DESCRIPTORS + 80) * view.u16le(DESCRIPTORS + 128)
}

/** A partition table (MBR, or the protective one of a GPT), as against the boot record of a FAT file system. */
export function isPartitioned(view: View): boolean {
  const head = view.peek(0, 512)
  if (head === undefined || head[510] !== 0x55 || head[511] !== 0xaa) return false
  return !(head[0x10] === 2 && head[0x15] === 0xf8)
}

/** What a disk declared as partitioned must keep to. */
export function inspectPartitions(view: View, report: Report): void {
  const used: number[] = []
  let gpt = false
  for (let index = 0; index < 4; index += 1) {
    const entry = 446 + index * 16
    const flag = view.u8(entry)
    const type = view.u8(entry + 4)
    if (flag !== 0 && flag !== 0x80) report('mbr', `MBR PTE ${index} has invalid boot flag`)
    if (type !== 0) used.push(index)
    if (type !== 0xee) continue
    gpt = true
    if (view.u8(entry + 1) !== 0 || view.u8(entry + 2) !== 2 || view.u8(entry + 3) !== 0)
      report('mbr', 'GPT MBR has invalid start CHS')
    if (view.u32le(entry + 8) !== 1) report('mbr', 'GPT MBR has invalid start LBA')
  }
  if (gpt && used.join() !== '0') report('mbr', 'GPT MBR defines invalid extra partitions')
  if (used.length === 0) report('mbr', 'GPT MBR has no partitions defined')
}

/** Microsoft's byte order: the first three groups little-endian. */
function guid(bytes: Uint8Array): string {
  const order = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15]
  const text = order.map(index => (bytes[index] ?? 0).toString(16).padStart(2, '0')).join('')
  return `${text.slice(0, 8)}-${text.slice(8, 12)}-${text.slice(12, 16)}-${text.slice(16, 20)}-${text.slice(20)}`
}
