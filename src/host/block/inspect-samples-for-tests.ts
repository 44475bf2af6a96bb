// Images written byte by byte for the tests of the image gate: good ones, and the ways in which each can be turned against its reader.

export interface Sample {
  readonly bytes: Uint8Array
  readonly declared: string
  readonly virtualSize: number
}

type Edit = (data: DataView, bytes: Uint8Array) => void

/** An image of `length` bytes, filled in by the edits in order. */
function build(declared: string, length: number, virtualSize: number, ...edits: Edit[]): Sample {
  const bytes = new Uint8Array(length)
  const data = new DataView(bytes.buffer)
  for (const edit of edits) edit(data, bytes)
  return { bytes, declared, virtualSize }
}

function put(bytes: Uint8Array, offset: number, text: string): void {
  for (let index = 0; index < text.length; index += 1) bytes[offset + index] = text.charCodeAt(index)
}

const text =
  (offset: number, value: string): Edit =>
  (_, bytes) =>
    put(bytes, offset, value)
const be32 =
  (offset: number, value: number): Edit =>
  data =>
    data.setUint32(offset, value)
const be64 =
  (offset: number, value: bigint): Edit =>
  data =>
    data.setBigUint64(offset, value)
const le32 =
  (offset: number, value: number): Edit =>
  data =>
    data.setUint32(offset, value, true)
const le64 =
  (offset: number, value: bigint): Edit =>
  data =>
    data.setBigUint64(offset, value, true)
const byte =
  (offset: number, ...values: number[]): Edit =>
  (_, bytes) =>
    bytes.set(values, offset)

const MIB = 1024 * 1024

function qcow2(version: number, ...edits: Edit[]): Sample {
  const common = [text(0, 'QFI\xfb'), be32(4, version), be32(20, 16), be64(24, 64n * BigInt(MIB)), be32(36, 1)]
  const tables = [be64(40, 196_608n), be64(48, 65_536n), be32(56, 1)]
  const third = version === 3 ? [be32(96, 4), be32(100, 112)] : []
  return build('qcow2', 262_144, 64 * MIB, ...common, ...tables, ...third, ...edits)
}

function vmdk(descriptor: string, ...edits: Edit[]): Sample {
  const header = [text(0, 'KDMV'), le32(4, 1), le64(12, 2048n), le64(20, 128n), le64(28, 1n), le64(36, 20n)]
  const rest = [le32(44, 512), le64(48, 21n), le64(56, 26n), text(512, descriptor)]
  return build('vmdk', 131_072, MIB, ...header, ...rest, ...edits)
}

const DESCRIPTOR = `# Disk DescriptorFile
version=1
CID=8ef2e5ce
parentCID=ffffffff
createType="monolithicSparse"

# Extent description
RW 2048 SPARSE "disk.vmdk"

ddb.virtualHWVersion = "4"
ddb.adapterType = "ide"
`

function vdi(...edits: Edit[]): Sample {
  const header = [text(0, '<<< QEMU VM Virtual Disk Image >>>\n'), le32(0x40, 0xbeda107f), le32(0x44, 0x10001)]
  const sizes = [le32(0x48, 0x180), le32(0x4c, 1), le32(0x154, 512), le32(0x158, 1024), le32(0x168, 512)]
  const blocks = [le64(0x170, BigInt(4 * MIB)), le32(0x178, MIB), le32(0x180, 4)]
  return build('vdi', 65_536, 4 * MIB, ...header, ...sizes, ...blocks, ...edits)
}

function vhd(...edits: Edit[]): Sample {
  const footer = [
    text(0, 'conectix'),
    be64(16, 512n),
    be64(40, BigInt(4 * MIB)),
    be64(48, BigInt(4 * MIB)),
    be32(60, 3),
  ]
  const header = [text(512, 'cxsparse'), be64(512 + 16, 1536n), be32(512 + 28, 2), be32(512 + 32, 2 * MIB)]
  return build('vhd', 65_536, 4 * MIB, ...footer, ...header, ...edits)
}

function guid(offset: number, value: string): Edit {
  const hex = value.replaceAll('-', '')
  const order = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15]
  return byte(offset, ...order.map(index => Number.parseInt(hex.slice(index * 2, index * 2 + 2), 16)))
}

/** Its metadata lie at 5 MiB: further than what a stream keeps by itself. */
function vhdx(...edits: Edit[]): Sample {
  const table = 192 * 1024
  const meta = 5 * MIB
  const regions = [
    text(0, 'vhdxfile'),
    text(65_536, 'head'),
    text(table, 'regi'),
    le32(table + 8, 1),
    guid(table + 16, '8b7ca206-4790-4b9a-b8fe-575f050f886e'),
    le64(table + 32, BigInt(meta)),
    le32(table + 40, MIB),
  ]
  const items = [
    text(meta, 'metadata'),
    byte(meta + 10, 2, 0),
    guid(meta + 32, 'caa16737-fa36-4d43-b3b6-33f0aa44e76b'),
    le32(meta + 48, 65_536),
    le32(meta + 52, 8),
    guid(meta + 64, '2fa54224-cd1b-4876-b211-5dbed83bf4b8'),
    le32(meta + 80, 65_544),
    le32(meta + 84, 8),
    le32(meta + 65_536, 32 * MIB),
    le64(meta + 65_544, BigInt(64 * MIB)),
  ]
  return build('vhdx', 6 * MIB + 4096, 64 * MIB, ...regions, ...items, ...edits)
}

function iso(...edits: Edit[]): Sample {
  const descriptor = [byte(32_768, 1), text(32_769, 'CD001'), le32(32_768 + 80, 200), byte(32_768 + 128, 0, 8, 8, 0)]
  return build('iso', 200 * 2048, 200 * 2048, ...descriptor, ...edits)
}

function mbr(declared: string, ...edits: Edit[]): Sample {
  const one = [byte(510, 0x55, 0xaa), byte(446, 0x80), byte(450, 0x83), le32(454, 2048), le32(458, 2048)]
  return build(declared, 2 * MIB, 2 * MIB, ...one, ...edits)
}

export const sample: Record<string, Sample> = {
  'qcow2 version 3': qcow2(3),
  'qcow2 version 2': qcow2(2),
  'qcow2 with feature names and a bitmap extension': qcow2(
    3,
    be32(112, 0x6803f857),
    be32(116, 48),
    be32(168, 0x23852875),
    be32(172, 24),
  ),
  'vmdk monolithicSparse': vmdk(DESCRIPTOR),
  vdi: vdi(),
  'vhd dynamic': vhd(),
  'vhdx with metadata far away': vhdx(),
  iso: iso(),
  'iso that boots as a disk': iso(byte(510, 0x55, 0xaa), byte(446, 0x80), byte(450, 0x17)),
  'raw without a mark': build('raw', 100_000, 100_000),
  'raw with partitions': mbr('raw'),
  'a kernel': build('aki', 100_000, 100_000, byte(510, 0x55, 0xaa), text(514, 'HdrS')),
  'a ramdisk': build('ari', 100, 100, byte(0, 0x1f, 0x8b)),
  'a partitioned disk declared as such': mbr('gpt'),
  ploop: build(
    'ploop',
    65_536,
    MIB,
    text(0, 'WithouFreSpacExt'),
    le32(16, 2),
    le32(28, 2048),
    le32(32, 1),
    le64(36, 2048n),
  ),
}

const as = (declared: string, image: Sample): Sample => ({ ...image, declared })
const descriptor = (from: string | RegExp, to: string): Sample => vmdk(DESCRIPTOR.replace(from, to))
const streamOptimized = vmdk(
  DESCRIPTOR.replace('monolithicSparse', 'streamOptimized'),
  le64(56, 0xffffffffffffffffn),
  (data, bytes) => {
    const start = bytes.length - 1536
    data.setUint32(start + 12, 3, true)
    bytes.copyWithin(start + 512, 0, 512)
    data.setBigUint64(start + 512 + 56, 26n, true)
  },
)
const META = 5 * MIB

export const hostile: Record<string, { image: Sample; check: string }> = {
  'qcow2 with a backing file': {
    image: qcow2(3, be64(8, 512n), be32(16, 11), text(512, '/etc/passwd')),
    check: 'backing_file',
  },
  'qcow2 with a json: backing file': {
    image: qcow2(2, be64(8, 512n), be32(16, 40), text(512, 'json:{"driver":"file"}')),
    check: 'backing_file',
  },
  'qcow2 with a backing length and no offset': { image: qcow2(3, be32(16, 11)), check: 'backing_file' },
  'qcow2 with the data file bit': { image: qcow2(3, be32(76, 4)), check: 'data_file' },
  'qcow2 with a data file name only': {
    image: qcow2(3, be32(112, 0x44415441), be32(116, 11), text(120, '/etc/shadow')),
    check: 'data_file',
  },
  'qcow2 version 2 with a data file name': { image: qcow2(2, be32(72, 0x44415441), be32(76, 11)), check: 'data_file' },
  'qcow2 with unknown features': { image: qcow2(3, be32(72, 0x80000000)), check: 'unknown_features' },
  'qcow2 with extended L2 entries': { image: qcow2(3, be32(76, 16)), check: 'unknown_features' },
  'qcow2 marked corrupt': { image: qcow2(3, be32(76, 2)), check: 'corrupt' },
  'qcow2 encrypted': { image: qcow2(3, be32(32, 2)), check: 'encryption' },
  'qcow2 with a crypto header': { image: qcow2(3, be32(112, 0x0537be77), be32(116, 16)), check: 'encryption' },
  'qcow2 version 1': { image: as('qcow2', qcow2(1)), check: 'banned' },
  'qcow2 version 4': { image: qcow2(4), check: 'version' },
  'qcow2 with clusters of 4 GiB': { image: qcow2(3, be32(20, 32)), check: 'cluster_bits' },
  'qcow2 with clusters of 256 bytes': { image: qcow2(3, be32(20, 8)), check: 'cluster_bits' },
  'qcow2 with a huge L1 table': { image: qcow2(3, be32(36, 0xffffffff)), check: 'l1_table' },
  'qcow2 with too small an L1 table': { image: qcow2(3, be64(24, 2n ** 40n)), check: 'l1_table' },
  'qcow2 with its L1 table beyond the end': { image: qcow2(3, be64(40, 2n ** 40n)), check: 'l1_table' },
  'qcow2 with its L1 table unaligned': { image: qcow2(3, be64(40, 196_609n)), check: 'l1_table' },
  'qcow2 without reference counts': { image: qcow2(3, be32(56, 0)), check: 'refcount_table' },
  'qcow2 with a huge reference count table': { image: qcow2(3, be32(56, 0x10000000)), check: 'refcount_table' },
  'qcow2 with reference counts of 2^255 bits': { image: qcow2(3, be32(96, 255)), check: 'refcount_order' },
  'qcow2 with a million snapshots': { image: qcow2(3, be32(60, 1_000_000)), check: 'snapshots' },
  'qcow2 with a header that is no length': { image: qcow2(3, be32(100, 8)), check: 'header_length' },
  'qcow2 with an endless extension': {
    image: qcow2(3, be32(112, 1), be32(116, 0xffffffff)),
    check: 'header_extension',
  },
  'qcow2 of 8 EiB': { image: qcow2(3, be64(24, 2n ** 63n - 1n)), check: 'virtual_size' },
  'qcow2 of 16 TiB': { image: qcow2(3, be32(20, 21), be64(24, 2n ** 44n)), check: 'virtual_size' },
  'qcow2 of 4 TiB in 256 KiB': { image: qcow2(3, be64(24, 2n ** 42n), be32(36, 8192)), check: 'ratio' },
  'qcow2 that is also a disk': { image: qcow2(3, byte(510, 0x55, 0xaa)), check: 'polyglot' },
  'qcow2 that is also an ISO': { image: qcow2(3, text(32_769, 'CD001')), check: 'polyglot' },
  'ISO that is also a qcow2': { image: as('iso', iso(text(0, 'QFI\xfb'), be32(4, 3))), check: 'polyglot' },
  'raw that is a qcow2': { image: as('raw', qcow2(3)), check: 'mismatch' },
  'raw that is a vmdk': { image: as('raw', vmdk(DESCRIPTOR)), check: 'mismatch' },
  'raw that is a vmdk descriptor': {
    image: as('raw', build('raw', DESCRIPTOR.length, 0, text(0, DESCRIPTOR))),
    check: 'mismatch',
  },
  'a kernel that is a qcow2': { image: as('aki', qcow2(3, be64(8, 512n))), check: 'mismatch' },
  'a ramdisk that is a vdi': { image: as('ari', vdi()), check: 'mismatch' },
  'qcow2 that is raw': { image: as('qcow2', build('raw', 1000, 0)), check: 'mismatch' },
  qed: { image: build('qcow2', 65_536, 0, text(0, 'QED\0')), check: 'banned' },
  'qed declared raw': { image: build('raw', 65_536, 0, text(0, 'QED\0')), check: 'banned' },
  luks: { image: build('raw', 65_536, 0, text(0, 'LUKS\xba\xbe')), check: 'banned' },
  'vmdk descriptor of another file': {
    image: as('vmdk', build('vmdk', 700, 0, text(0, DESCRIPTOR.replace('monolithicSparse', 'monolithicFlat')))),
    check: 'descriptor',
  },
  'vmdk descriptor behind comments': {
    image: as('vmdk', build('vmdk', 700, 0, text(0, '#\n\n  version=1\ncreateType="monolithicFlat"\n'))),
    check: 'descriptor',
  },
  'vmdk monolithicFlat': { image: descriptor('monolithicSparse', 'monolithicFlat'), check: 'subformat' },
  'vmdk with two types': {
    image: descriptor('ddb.adapterType', 'createType="monolithicFlat"\nddb.adapterType'),
    check: 'subformat',
  },
  'vmdk without a type': { image: descriptor(/createType.*\n/, ''), check: 'subformat' },
  'vmdk extent elsewhere': { image: descriptor('disk.vmdk', '/etc/passwd'), check: 'extent' },
  'vmdk flat extent': { image: descriptor('SPARSE "disk.vmdk"', 'FLAT "disk.vmdk" 0'), check: 'extent' },
  'vmdk with two extents': {
    image: descriptor('ddb.adapterType', 'RW 2048 SPARSE "b.vmdk"\nddb.adapterType'),
    check: 'extent',
  },
  'vmdk without extents': { image: descriptor(/RW .*\n/, ''), check: 'extent' },
  'vmdk with a parent': {
    image: descriptor('ddb.adapterType', 'parentFileNameHint="/etc/passwd"\nddb.adapterType'),
    check: 'backing_file',
  },
  'vmdk with a parent behind a NUL': {
    image: vmdk(DESCRIPTOR, text(2000, 'parentFileNameHint="x"')),
    check: 'backing_file',
  },
  'vmdk with a parent id': { image: descriptor('ffffffff', '12345678'), check: 'backing_file' },
  'vmdk with binary in its descriptor': { image: descriptor('ddb.adapterType', '\xff\xfe'), check: 'descriptor' },
  'vmdk with a strange line': { image: descriptor('ddb.adapterType = "ide"', 'EXEC something'), check: 'descriptor' },
  'vmdk without capacity': { image: vmdk(DESCRIPTOR, le64(12, 0n)), check: 'capacity' },
  'vmdk with a descriptor elsewhere': { image: vmdk(DESCRIPTOR, le64(28, 9n)), check: 'descriptor' },
  'vmdk of grains of no size': { image: vmdk(DESCRIPTOR, le64(20, 0n)), check: 'granularity' },
  'vmdk with its directory in a footer': { image: streamOptimized, check: 'subformat' },
  'vmdk sparse with a footer': { image: vmdk(DESCRIPTOR, le64(56, 0xffffffffffffffffn)), check: 'footer' },
  'vmdk of ESX': { image: as('vmdk', build('vmdk', 65_536, 0, text(0, 'COWD'))), check: 'descriptor' },
  'vdi with a parent': { image: vdi(le32(0x1b8, 7)), check: 'backing_file' },
  'vdi differencing': { image: vdi(le32(0x4c, 4)), check: 'backing_file' },
  'vdi larger than its map': { image: vdi(le64(0x170, 2n ** 40n)), check: 'block_map' },
  'vdi of 8 EiB': { image: vdi(le64(0x170, 2n ** 63n)), check: 'virtual_size' },
  'vhd differencing': { image: vhd(be32(60, 4)), check: 'backing_file' },
  'vhd with a parent name': { image: vhd(byte(512 + 65, 0x2f)), check: 'backing_file' },
  'vhd with a parent locator': { image: vhd(text(512 + 576, 'W2ku')), check: 'backing_file' },
  'vhd fixed': { image: vhd(be32(60, 2)), check: 'subformat' },
  'vhd with a header far away': { image: vhd(be64(16, 2n ** 60n)), check: 'dynamic_header' },
  'vhdx with a parent': { image: vhdx(le32(META + 65_540, 2)), check: 'backing_file' },
  'vhdx with a parent locator': {
    image: vhdx(byte(META + 10, 3, 0), guid(META + 96, 'a8d35f2d-b30b-454d-abf7-d3d84834ab0c')),
    check: 'backing_file',
  },
  'vhdx with a log to replay': { image: vhdx(byte(65_536 + 48, 1)), check: 'log' },
  'vhdx without regions': { image: vhdx(le32(192 * 1024 + 8, 0)), check: 'malformed' },
  'vhdx with its metadata beyond the end': { image: vhdx(le64(192 * 1024 + 32, 2n ** 50n)), check: 'malformed' },
  'vhdx with its metadata at nowhere': { image: vhdx(le64(192 * 1024 + 32, 2n ** 64n - 1n)), check: 'malformed' },
  'vhdx with too many items': { image: vhdx(byte(META + 10, 0xff, 0xff)), check: 'malformed' },
  'vhdx with an item outside': { image: vhdx(le32(META + 80, 0xfffffff0)), check: 'malformed' },
  'a partitioned disk with odd flags': { image: mbr('gpt', byte(446, 0x41)), check: 'mbr' },
  'a GPT with a second partition entry': {
    image: mbr('gpt', byte(450, 0xee), byte(447, 0, 2, 0), le32(454, 1), byte(466, 0x83)),
    check: 'mbr',
  },
}
