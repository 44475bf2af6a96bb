// The qcow2 header (versions 2 and 3) as QEMU's docs/interop/qcow2.txt describes it: nothing outside the file, nothing unknown, nothing oversized.
import type { Report } from '#host/block/inspect.ts'
import type { View } from '#host/block/inspect-view.ts'

const MAX_L1_BYTES = 32 * 1024 * 1024
const MAX_REFCOUNT_TABLE_BYTES = 8 * 1024 * 1024
const MAX_SNAPSHOTS = 65_536
const EXTENSION = { end: 0, dataFile: 0x44415441, crypto: 0x0537be77 }

/** Incompatible feature bits, by their number. Bit 0, "dirty", only means that reference counts are rebuilt when it is opened for writing. */
const CORRUPT = 1
const DATA_FILE = 2
const COMPRESSION = 3

/** Reads the header, reports what is wrong with it, answers the virtual size in bytes. */
export function inspectQcow2(view: View, report: Report): number {
  const version = view.u32be(4)
  if (version !== 2 && version !== 3) {
    report('version', 'Unsupported qcow2 version')
    return 0
  }
  const virtualSize = view.u64be(24)
  if (view.u64be(8) !== 0 || view.u32be(16) !== 0) report('backing_file', 'Image has a backing file')
  if (view.u32be(32) !== 0) report('encryption', 'Image is encrypted')

  const clusterBits = view.u32be(20)
  if (clusterBits < 9 || clusterBits > 21) {
    report('cluster_bits', 'Cluster size is outside of 512 bytes to 2 MiB')
    return virtualSize
  }
  const cluster = 2 ** clusterBits
  const headerLength = version === 2 ? 72 : inspectVersion3(view, report, cluster)
  inspectTables(view, report, cluster, virtualSize)
  if (headerLength !== undefined) inspectExtensions(view, report, headerLength, cluster)
  return virtualSize
}

/** The fields only version 3 has. Answers the header's length, or nothing when it is unusable. */
function inspectVersion3(view: View, report: Report, cluster: number): number | undefined {
  const high = view.u32be(72)
  const low = view.u32be(76)
  const has = (bit: number): boolean => ((low >>> bit) & 1) === 1
  if (has(DATA_FILE)) report('data_file', 'Image has data_file set')
  if (has(CORRUPT)) report('corrupt', 'Image is marked as corrupt')
  if (high !== 0 || low >>> (COMPRESSION + 1) !== 0) report('unknown_features', 'Unknown QCOW2 features found')
  if (view.u32be(96) > 6) report('refcount_order', 'Reference counts are wider than 64 bits')
  const headerLength = view.u32be(100)
  if (headerLength < 104 || headerLength > cluster || headerLength % 8 !== 0) {
    report('header_length', 'Header length is out of range')
    return undefined
  }
  const compression = headerLength > 104 ? view.u8(104) : 0
  if (compression > 1 || (compression !== 0) !== has(COMPRESSION))
    report('compression_type', 'Unknown compression type')
  return headerLength
}

function inspectTables(view: View, report: Report, cluster: number, virtualSize: number): void {
  const inFile = (offset: number, bytes: number): boolean => view.size === undefined || offset + bytes <= view.size

  const entries = view.u32be(36)
  const l1 = view.u64be(40)
  const needed = Math.ceil(virtualSize / ((cluster * cluster) / 8))
  if (entries * 8 > MAX_L1_BYTES || needed * 8 > MAX_L1_BYTES) report('l1_table', 'Active L1 table is too large')
  else if (entries < needed) report('l1_table', 'Active L1 table is too small for the virtual size')
  else if (
    l1 % cluster !== 0 ||
    (entries > 0 && (l1 === 0 || l1 === Infinity || (view.size !== undefined && l1 >= view.size)))
  )
    report('l1_table', 'Active L1 table has an invalid offset')

  const refcounts = view.u64be(48)
  const refcountBytes = view.u32be(56) * cluster
  if (refcountBytes === 0) report('refcount_table', 'Image does not contain a reference count table')
  else if (refcountBytes > MAX_REFCOUNT_TABLE_BYTES) report('refcount_table', 'Reference count table is too large')
  else if (refcounts === 0 || refcounts % cluster !== 0 || !inFile(refcounts, 1))
    report('refcount_table', 'Reference count table has an invalid offset')

  const snapshots = view.u32be(60)
  if (snapshots > MAX_SNAPSHOTS) report('snapshots', 'Image has too many internal snapshots')
  else if (snapshots > 0 && (view.u64be(64) % cluster !== 0 || !inFile(view.u64be(64), 1)))
    report('snapshots', 'Internal snapshot table has an invalid offset')
}

/** Walks the header extensions; each must end inside the first cluster. */
function inspectExtensions(view: View, report: Report, start: number, cluster: number): void {
  for (let offset = start; offset + 8 <= cluster;) {
    if (view.size !== undefined && offset + 8 > view.size) return
    const type = view.u32be(offset)
    const length = view.u32be(offset + 4)
    if (type === EXTENSION.end) return
    if (type === EXTENSION.dataFile) report('data_file', 'Image has data_file set')
    if (type === EXTENSION.crypto) report('encryption', 'Image is encrypted')
    if (offset + 8 + length > cluster) {
      report('header_extension', 'A header extension is longer than its cluster')
      return
    }
    offset += 8 + Math.ceil(length / 8) * 8
  }
}
