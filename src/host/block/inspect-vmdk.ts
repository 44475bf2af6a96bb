// VMDK: one file that holds everything. Descriptors that name other files, parents, or hide a second header at the end are refused.
import type { Report } from '#host/block/inspect.ts'
import { isPowerOfTwo, isZero, latin1, type View } from '#host/block/inspect-view.ts'

const SECTOR = 512
const MAX_DESCRIPTOR = 1024 * 1024 - SECTOR
const AT_END = 'ffffffffffffffff'
const MARKER_END_OF_STREAM = 0
const MARKER_FOOTER = 3

/** Is this, without the sparse magic, a descriptor in plain text (which QEMU would follow to other files)? */
export function isVmdkText(view: View): boolean {
  const head = view.peek(0, Math.min(SECTOR, view.size ?? SECTOR))
  if (head === undefined) return false
  const text = latin1(head).toLowerCase()
  if (text.startsWith('# disk descriptorfile')) return true
  // QEMU skips comments and empty lines, then wants a version line.
  for (const line of text.split('\n').map(each => each.trim())) {
    if (line === '' || line.startsWith('#')) continue
    return /^version=\d+$/.test(line)
  }
  return false
}

/** Reads the sparse header and the descriptor inside. `types` are the accepted createType words, in lower case. Answers the virtual size in bytes. */
export function inspectVmdk(view: View, report: Report, types: readonly string[]): number {
  if (!view.has(0, 'KDMV')) {
    report('descriptor', 'Unsupported subformat')
    return 0
  }
  const version = view.u32le(4)
  const capacity = view.u64le(12)
  if (version < 1 || version > 3) report('version', 'Unsupported format version')
  // invariant: with capacity 0 QEMU would open the descriptor instead, and whatever files it names.
  if (capacity === 0) report('capacity', 'The sparse extent has no capacity')
  const grain = view.u64le(20)
  if (!isPowerOfTwo(grain) || grain > 0x200000) report('granularity', 'Invalid granularity')
  const entries = view.u32le(44)
  if (entries === 0 || entries > 512) report('grain_table', 'Invalid grain table size')

  const offset = view.u64le(28) * SECTOR
  const length = Math.min(view.u64le(36) * SECTOR, MAX_DESCRIPTOR)
  if (offset !== SECTOR || length === 0) report('descriptor', 'Wrong descriptor location')
  else inspectDescriptor(latin1(view.at(offset, length)), report, types)

  if (hex(view.at(56, 8)) === AT_END) {
    if (types.includes('streamoptimized')) inspectFooter(view, report)
    else report('footer', 'Unsupported subformat')
  }
  return capacity * SECTOR
}

function inspectDescriptor(area: string, report: Report, types: readonly string[]): void {
  const end = area.indexOf('\0')
  const text = (end === -1 ? area : area.slice(0, end)).toLowerCase()
  if (/[^\t\n\r\x20-\x7e]/.test(text)) return report('descriptor', 'Invalid VMDK descriptor data')
  if (area.toLowerCase().includes('parentfilenamehint')) report('backing_file', 'Image has a backing file')

  const created = [...text.matchAll(/createtype\s*=\s*"?([^"\n\r]*)"?/g)].map(match => match[1]?.trim() ?? '')
  const type = created[0]
  if (type === undefined || created.length !== 1 || !types.includes(type))
    return report('subformat', 'Unsupported subformat')

  let extents = 0
  for (const line of text.split('\n').map(each => each.trim())) {
    if (line === '' || line.startsWith('#') || line.startsWith('ddb')) continue
    const field = /^([a-z_.]+)\s*=\s*(.*)$/.exec(line)
    if (field !== null) {
      if (field[1] === 'parentcid' && field[2] !== 'ffffffff') report('backing_file', 'Image has a backing file')
      continue
    }
    const extent = /^(rw|rdonly|noaccess)\s+\d+\s+([a-z]+)\s+"([^"]*)"/.exec(line)
    if (extent === null) return report('descriptor', 'Invalid VMDK descriptor data')
    extents += 1
    if (extent[2] !== 'sparse') report('extent', 'Unsupported subformat')
    if (/[/\\:]|^\.\.?$/.test(extent[3] ?? '')) report('extent', 'Invalid extent filenames found')
  }
  if (extents === 0) report('extent', 'No extents found')
  if (extents > 1) report('extent', 'More than one extent found')
}

/** The footer of a stream-optimized file replaces the header, so it must say the same in everything but the directory's place. */
function inspectFooter(view: View, report: Report): void {
  const size = view.size
  if (size === undefined) {
    view.at(Number.MAX_SAFE_INTEGER - SECTOR, SECTOR) // asks to be run again at the end
    return
  }
  const start = size - 3 * SECTOR
  const same = (from: number, length: number): boolean =>
    hex(view.at(from, length)) === hex(view.at(start + SECTOR + from, length))
  if (!same(0, 56) || !same(64, SECTOR - 64)) report('footer', 'Header and footer do not match')
  if (hex(view.at(start + SECTOR + 56, 8)) === AT_END) report('footer', 'Footer indicates another footer')
  const marker = (at: number, kind: number): boolean =>
    view.u32le(at + 8) === 0 && view.u32le(at + 12) === kind && isZero(view.at(at + 16, SECTOR - 16))
  if (!marker(start, MARKER_FOOTER)) report('footer', 'Footer marker is invalid')
  if (!marker(start + 2 * SECTOR, MARKER_END_OF_STREAM) || view.u64le(start + 2 * SECTOR) !== 0)
    report('footer', 'End-of-stream marker is invalid')
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('')
}
