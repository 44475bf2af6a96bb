// qemu-img as verbs. Every call states the formats, runs under limits of memory and time, and only ever gets absolute paths,
// so that no file name is read as a protocol and no format is guessed.
import { open, rm } from 'node:fs/promises'
import type { Exec } from '#host/node/exec.ts'

/** QEMU's names for the formats Koto gives it. VHD is `vpc` there. */
export type QemuFormat = 'raw' | 'qcow2' | 'vmdk' | 'vdi' | 'vpc' | 'vhdx' | 'parallels'

/** QEMU's word for one of Glance's disk formats, or nothing where QEMU has none. `iso`, `gpt`, `aki`, `ari`, `ami` are raw bytes. */
export function qemuFormat(diskFormat: string): QemuFormat | undefined {
  const words: Record<string, QemuFormat> = {
    raw: 'raw',
    iso: 'raw',
    gpt: 'raw',
    aki: 'raw',
    ari: 'raw',
    ami: 'raw',
    qcow2: 'qcow2',
    vmdk: 'vmdk',
    vdi: 'vdi',
    vhd: 'vpc',
    vhdx: 'vhdx',
    ploop: 'parallels',
  }
  return Object.hasOwn(words, diskFormat) ? words[diskFormat] : undefined
}

/** What an image says of itself. Sizes in bytes. */
export interface ImageInfo {
  readonly format: string
  readonly virtualSize: number
  /** Blocks really taken on the disk. */
  readonly actualSize: number
  readonly backingFile?: string
  readonly backingFormat?: string
  readonly clusterSize?: number
  readonly encrypted: boolean
  readonly corrupt: boolean
  readonly snapshots: readonly { readonly id: string; readonly name: string }[]
}

/** How much a program may take. */
export interface ToolLimits {
  /** Address space in bytes. */
  readonly memoryBytes: number
  readonly cpuSeconds: number
  readonly timeoutMs: number
  /** The largest file it may write, in bytes. */
  readonly fileBytes?: number
}

const GIB = 2 ** 30
const BRIEF: ToolLimits = { memoryBytes: GIB, cpuSeconds: 30, timeoutMs: 30_000 }
const LONG: ToolLimits = { memoryBytes: 2 * GIB, cpuSeconds: 1800, timeoutMs: 3_600_000 }

export interface QemuImg {
  /** A new qcow2 whose untouched parts are read from `backing`. `sizeBytes` default: as large as the backing file. */
  createOverlay(
    path: string,
    options: { backing: string; backingFormat: QemuFormat; sizeBytes?: number },
  ): Promise<void>
  /** A new empty image. Fails when `path` exists. */
  createBlank(
    path: string,
    options: { format: 'raw' | 'qcow2'; sizeBytes: number; preallocation?: 'metadata' | 'falloc' },
  ): Promise<void>
  /** Copies and converts, the whole backing chain included. `compress` for qcow2. `unsafeRead` when the source is in use by a guest. */
  convert(
    from: string,
    to: string,
    options: {
      fromFormat: QemuFormat
      toFormat: QemuFormat
      compress?: boolean
      unsafeRead?: boolean
      limits?: Partial<ToolLimits>
    },
  ): Promise<void>
  /** To `sizeBytes`. Shrinking must be said. */
  resize(path: string, options: { format: QemuFormat; sizeBytes: number; shrink?: boolean }): Promise<void>
  /** Readable also while a guest uses it. */
  info(path: string, options: { format: QemuFormat }): Promise<ImageInfo>
  /** Changes what an overlay stands on. `backing` null makes it stand alone (its contents are pulled in). `unsafe` only rewrites the name. */
  rebase(path: string, options: { backing: string | null; backingFormat?: QemuFormat; unsafe?: boolean }): Promise<void>
  /** Writes an overlay's contents down into its backing file, or into `base` further down. */
  commit(path: string, options?: { base?: string; keepOverlay?: boolean }): Promise<void>
  /** Bytes a conversion would need: at most now, and when everything is written. */
  measure(
    path: string,
    options: { fromFormat: QemuFormat; toFormat: 'raw' | 'qcow2' },
  ): Promise<{ required: number; fullyAllocated: number }>
  /** Looks for damage inside. Leaks waste room, corruptions are damage. */
  check(
    path: string,
    options: { format: 'qcow2' | 'vdi' | 'vmdk' | 'vhdx' | 'parallels' },
  ): Promise<{ corruptions: number; leaks: number }>
}

/** The real tool behind {@link QemuImg}. All methods throw `ExecError` when it refuses, and `Error` for a path that is not absolute. */
export function createQemuImg({ exec }: { exec: Exec }): QemuImg {
  const run = async (args: readonly string[], limits: ToolLimits = BRIEF, anyCode = false): Promise<string> => {
    const finished = await exec.run([...limited(limits), 'qemu-img', ...args], { timeoutMs: limits.timeoutMs, anyCode })
    return finished.stdout
  }

  /** The output is made first, ours alone to read, and goes again when the tool fails. */
  const making = async (path: string, work: () => Promise<unknown>): Promise<void> => {
    await (await open(absolute(path), 'wx', 0o600)).close()
    try {
      await work()
    } catch (error) {
      await rm(path, { force: true })
      throw error
    }
  }

  return {
    createOverlay: (path, { backing, backingFormat, sizeBytes }) =>
      making(path, () =>
        run([
          'create',
          '-q',
          ...['-f', 'qcow2'],
          ...['-b', absolute(backing)],
          ...['-F', backingFormat],
          path,
          ...(sizeBytes === undefined ? [] : [bytes(sizeBytes)]),
        ]),
      ),

    createBlank: (path, { format, sizeBytes, preallocation }) =>
      making(path, () =>
        run([
          'create',
          '-q',
          ...['-f', format],
          ...(preallocation === undefined ? [] : ['-o', `preallocation=${preallocation}`]),
          path,
          bytes(sizeBytes),
        ]),
      ),

    convert: (from, to, { fromFormat, toFormat, compress, unsafeRead, limits }) =>
      making(to, () =>
        run(
          [
            'convert',
            '-q',
            ...(unsafeRead === true ? ['-U'] : []),
            ...['-f', fromFormat],
            ...['-O', toFormat],
            ...(compress === true ? ['-c'] : []),
            absolute(from),
            to,
          ],
          { ...LONG, ...limits },
        ),
      ),

    async resize(path, { format, sizeBytes, shrink }) {
      await run([
        'resize',
        '-q',
        '-f',
        format,
        ...(shrink === true ? ['--shrink'] : []),
        absolute(path),
        bytes(sizeBytes),
      ])
    },

    async info(path, { format }) {
      const text = await run(['info', '-U', '-f', format, '--output=json', absolute(path)])
      return readInfo(JSON.parse(text) as RawInfo)
    },

    async rebase(path, { backing, backingFormat, unsafe }) {
      if (backing !== null && backingFormat === undefined) throw new Error('a backing file needs its format')
      const onto = backing === null ? ['-b', ''] : ['-F', backingFormat ?? 'raw', '-b', absolute(backing)]
      await run(['rebase', '-q', '-f', 'qcow2', ...(unsafe === true ? ['-u'] : []), ...onto, absolute(path)], LONG)
    },

    async commit(path, { base, keepOverlay } = {}) {
      const down = base === undefined ? [] : ['-b', absolute(base)]
      await run(['commit', '-q', '-f', 'qcow2', ...(keepOverlay === true ? ['-d'] : []), ...down, absolute(path)], LONG)
    },

    async measure(path, { fromFormat, toFormat }) {
      const text = await run(['measure', '-U', '--output=json', '-f', fromFormat, '-O', toFormat, absolute(path)])
      const measured = JSON.parse(text) as { required: number; 'fully-allocated': number }
      return { required: measured.required, fullyAllocated: measured['fully-allocated'] }
    },

    async check(path, { format }) {
      const text = await run(['check', '-U', '-f', format, '--output=json', absolute(path)], LONG, true)
      const checked = JSON.parse(text) as { corruptions?: number; leaks?: number; 'check-errors'?: number }
      return { corruptions: (checked.corruptions ?? 0) + (checked['check-errors'] ?? 0), leaks: checked.leaks ?? 0 }
    },
  }
}

/** util-linux' prlimit in front of a vector: a hostile image costs a failed call, not the machine. */
export function limited(limits: ToolLimits): readonly string[] {
  return [
    'prlimit',
    `--as=${limits.memoryBytes}`,
    `--cpu=${limits.cpuSeconds}`,
    ...(limits.fileBytes === undefined ? [] : [`--fsize=${limits.fileBytes}`]),
    '--core=0',
    '--',
  ]
}

interface RawInfo {
  readonly format: string
  readonly 'virtual-size': number
  readonly 'actual-size'?: number
  readonly 'backing-filename'?: string
  readonly 'full-backing-filename'?: string
  readonly 'backing-filename-format'?: string
  readonly 'cluster-size'?: number
  readonly encrypted?: boolean
  readonly snapshots?: readonly { id: string; name: string }[]
  readonly 'format-specific'?: { data?: { corrupt?: boolean } }
}

function readInfo(raw: RawInfo): ImageInfo {
  const backingFile = raw['full-backing-filename'] ?? raw['backing-filename']
  return {
    format: raw.format,
    virtualSize: raw['virtual-size'],
    actualSize: raw['actual-size'] ?? 0,
    ...(backingFile === undefined ? {} : { backingFile }),
    ...(raw['backing-filename-format'] === undefined ? {} : { backingFormat: raw['backing-filename-format'] }),
    ...(raw['cluster-size'] === undefined ? {} : { clusterSize: raw['cluster-size'] }),
    encrypted: raw.encrypted ?? false,
    corrupt: raw['format-specific']?.data?.corrupt ?? false,
    snapshots: (raw.snapshots ?? []).map(({ id, name }) => ({ id, name })),
  }
}

/** A path qemu-img cannot take for an option or for `protocol:`. */
function absolute(path: string): string {
  if (!path.startsWith('/') || path.includes('\0')) throw new Error(`not an absolute path: ${path}`)
  return path
}

function bytes(size: number): string {
  if (!Number.isSafeInteger(size) || size < 0) throw new Error(`not a size in bytes: ${size}`)
  return `${size}`
}
