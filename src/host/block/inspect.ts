// The image gate: looks at the first bytes of an image before any tool may, and says what it is and why it is refused.
// Pure TypeScript, nothing is opened or started. The checks follow what oslo.utils' format_inspector refuses, and go further where QEMU would.
import {
  inspectPartitions,
  inspectPloop,
  inspectVdi,
  inspectVhd,
  inspectVhdx,
  isIso,
  isoSize,
  isPartitioned,
} from '#host/block/inspect-others.ts'
import { inspectQcow2 } from '#host/block/inspect-qcow2.ts'
import { latin1, Malformed, NeedBytes, View, type Piece } from '#host/block/inspect-view.ts'
import { inspectVmdk, isVmdkText } from '#host/block/inspect-vmdk.ts'

/** What an image can be said to be: Glance's disk formats. */
export type DiskFormat =
  | 'raw'
  | 'gpt'
  | 'qcow2'
  | 'vmdk'
  | 'vdi'
  | 'vhd'
  | 'vhdx'
  | 'iso'
  | 'ploop'
  | 'aki'
  | 'ari'
  | 'ami'

/** What can be found: the formats with a mark of their own, the refused ones, and raw for "no mark at all". */
export type FoundFormat =
  | Exclude<DiskFormat, 'aki' | 'ari' | 'ami'>
  | 'qed'
  | 'luks'
  | 'qcow'
  | 'bochs'
  | 'cloop'
  | 'json'

/** One reason for refusal: a word for programs, a sentence for people. */
export interface Problem {
  readonly check: string
  readonly message: string
}

export interface Inspection {
  /** What the bytes are. A declared `ami`, `aki`, `ari` is `raw` here. */
  readonly format: FoundFormat
  /** All marks that were found: more than one is a disguise (but a bootable ISO has a partition table too). */
  readonly found: readonly FoundFormat[]
  /** In bytes; for raw the length of the file, 0 as long as that is unknown. */
  readonly virtualSize: number
  /** Empty when the image may be used. */
  readonly problems: readonly Problem[]
}

export interface InspectLimits {
  /** The bytes are in a container other than `bare`: bytes without any known mark are then taken, whatever was declared. */
  readonly wrapped?: boolean
  /** In bytes; default 8 TiB. */
  readonly maxVirtualBytes?: number
  /** Over 1 TiB of virtual size: how many times larger than the file it may be; default one million. */
  readonly maxRatio?: number
  /** Accepted VMDK createType words; default only `monolithicSparse`. */
  readonly vmdkTypes?: readonly string[]
  /** The length of the whole image in bytes, where it is known before the end: sizes and ratio are then judged at once. */
  readonly knownSize?: number
}

export type Report = (check: string, message: string) => void

const TIB = 2 ** 40
/** So much of the beginning is kept while a stream passes; every header but VHDX's metadata lies within. */
const KEEP = 2 * 1024 * 1024 + 64 * 1024
const TAIL = 1536
const RAW_LIKE: readonly string[] = ['raw', 'aki', 'ari', 'ami']
const BANNED: readonly FoundFormat[] = ['qed', 'luks', 'qcow', 'bochs', 'cloop', 'json']

/**
 * Judges an image by its beginning.
 * `head` the first bytes (2 MiB are enough for all but VHDX; the whole file if it is shorter), `fileSize` the length of all of it,
 * taken to be `head` when not given. What the declared format needs and `head` does not hold is a problem `incomplete`.
 */
export function inspect(
  head: Uint8Array,
  options: { declaredFormat: string; fileSize?: number } & InspectLimits,
): Inspection {
  try {
    return judge(new View([{ offset: 0, bytes: head }], options.fileSize ?? head.length), options)
  } catch (error) {
    if (!(error instanceof NeedBytes)) throw error
    return {
      format: 'raw',
      found: [],
      virtualSize: 0,
      problems: [{ check: 'incomplete', message: 'Not enough of the image was seen' }],
    }
  }
}

/** An inspection that eats an image while it passes. */
export interface Inspector {
  /** Takes the next bytes (they are copied as far as needed). Answers the verdict as soon as there is one: with problems, stop reading. */
  eat(chunk: Uint8Array): Inspection | undefined
  /** Says that the bytes up to `offset` were left out. */
  skip(offset: number): void
  /** The stream is over: the final verdict, with sizes and ratio judged. */
  end(): Inspection
}

/** See {@link Inspector}. One per upload; holds at most about 4 MiB. */
export function createInspector(declaredFormat: string, limits: InspectLimits = {}): Inspector {
  const options = { ...limits, declaredFormat }
  let head = new Uint8Array(64 * 1024)
  let headLength = 0
  let seen = 0
  let tail: Uint8Array = new Uint8Array(0)
  let wanted: { offset: number; bytes: Uint8Array; filled: number } | undefined
  let verdict: Inspection | undefined

  const pieces = (): Piece[] => [
    { offset: 0, bytes: head.subarray(0, headLength) },
    ...(wanted === undefined ? [] : [{ offset: wanted.offset, bytes: wanted.bytes.subarray(0, wanted.filled) }]),
    { offset: seen - tail.length, bytes: tail },
  ]

  const attempt = (): void => {
    try {
      verdict = judge(new View(pieces(), limits.knownSize), options)
    } catch (error) {
      if (!(error instanceof NeedBytes)) throw error
      const reachable = error.offset >= seen && error.offset <= Number.MAX_SAFE_INTEGER - KEEP
      if (error.offset + error.length <= KEEP || wanted !== undefined || !reachable) return
      wanted = { offset: error.offset, bytes: new Uint8Array(Math.min(error.length, 1024 * 1024)), filled: 0 }
    }
  }

  const takeHead = (chunk: Uint8Array): void => {
    const part = chunk.subarray(0, Math.max(0, KEEP - headLength))
    if (headLength + part.length > head.length) {
      const larger = new Uint8Array(Math.min(KEEP, Math.max(head.length * 2, headLength + part.length)))
      larger.set(head.subarray(0, headLength))
      head = larger
    }
    head.set(part, headLength)
    headLength += part.length
  }

  const takeWanted = (chunk: Uint8Array): void => {
    if (wanted === undefined || wanted.filled === wanted.bytes.length) return
    const next = wanted.offset + wanted.filled
    if (next < seen || next >= seen + chunk.length) return
    const part = chunk.subarray(next - seen, next - seen + wanted.bytes.length - wanted.filled)
    wanted.bytes.set(part, wanted.filled)
    wanted.filled += part.length
  }

  const takeTail = (chunk: Uint8Array): void => {
    if (chunk.length >= TAIL) tail = new Uint8Array(chunk.subarray(-TAIL)) // a Buffer's slice would be no copy
    else {
      const both = new Uint8Array(tail.length + chunk.length)
      both.set(tail)
      both.set(chunk, tail.length)
      tail = both.slice(-TAIL)
    }
  }

  const eatPart = (chunk: Uint8Array): void => {
    if (headLength < KEEP) takeHead(chunk)
    takeWanted(chunk)
    takeTail(chunk)
    seen += chunk.length
    // Up to the limit each piece may settle it; beyond, only the piece that was asked for can.
    const waiting = wanted !== undefined && wanted.filled < wanted.bytes.length
    if (verdict === undefined && !waiting) attempt()
  }

  return {
    eat(chunk) {
      // Cut where the kept head ends, so that a region asked for is still to come when its chunk is looked at.
      const cut = Math.max(0, KEEP - seen)
      if (cut > 0 && cut < chunk.length) {
        eatPart(chunk.subarray(0, cut))
        eatPart(chunk.subarray(cut))
      } else eatPart(chunk)
      return verdict
    },
    skip(offset) {
      seen = Math.max(seen, offset)
      tail = new Uint8Array(0)
    },
    end() {
      if (verdict !== undefined && verdict.problems.length > 0) return verdict
      try {
        return judge(new View(pieces(), seen), options)
      } catch (error) {
        if (!(error instanceof NeedBytes)) throw error
        return {
          format: 'raw',
          found: [],
          virtualSize: 0,
          problems: [{ check: 'incomplete', message: 'The image keeps its header where it cannot be seen' }],
        }
      }
    },
  }
}

/** Every mark in the image. Throws {@link NeedBytes} until the first 34 KiB, or all of it, are known. */
function marks(view: View): FoundFormat[] {
  const found: FoundFormat[] = []
  const mark = (format: FoundFormat, is: boolean): void => void (is && found.push(format))
  if (view.has(0, 'QFI\xfb')) found.push(view.peek(4, 4)?.[3] === 1 ? 'qcow' : 'qcow2')
  mark('qed', view.has(0, 'QED\0'))
  mark('vmdk', view.has(0, 'KDMV') || view.has(0, 'COWD') || isVmdkText(view))
  mark('vhd', view.has(0, 'conectix'))
  mark('vhdx', view.has(0, 'vhdxfile'))
  mark('luks', view.has(0, 'LUKS\xba\xbe'))
  mark('ploop', view.has(0, 'WithoutFreeSpace') || view.has(0, 'WithouFreSpacExt'))
  mark('bochs', view.has(0, 'Bochs Virtual HD Image'))
  mark('cloop', view.has(0, '#!/bin/sh\n#V2.0 Format'))
  mark('json', view.has(0, 'json:'))
  mark('vdi', view.has(0x40, '\x7f\x10\xda\xbe'))
  mark('iso', isIso(view))
  mark('gpt', isPartitioned(view))
  return found
}

/** The decision, once enough is known. */
function judge(view: View, options: { declaredFormat: string } & InspectLimits): Inspection {
  const problems: Problem[] = []
  const report: Report = (check, message) => {
    if (!problems.some(each => each.check === check && each.message === message)) problems.push({ check, message })
  }
  const declared = options.declaredFormat
  const found = marks(view)
  const format = formatOf(found, declared)
  const answer = (virtualSize: number): Inspection => ({ format, found, virtualSize, problems })

  const others = found.filter(each => each !== format && each !== 'gpt')
  if (others.length > 0 || (found.includes('gpt') && !['gpt', 'raw', 'iso'].includes(format)))
    report('polyglot', `Multiple formats detected: ${found.join(',')}`)
  if (BANNED.includes(format)) report('banned', 'This file format is not allowed')
  const expected = RAW_LIKE.includes(declared) ? 'raw' : declared
  const unknown = options.wrapped === true && found.length === 0
  if (format !== expected && !unknown) report('mismatch', `Image content is ${format}, but disk_format is ${declared}`)
  if (problems.length > 0) return answer(0)

  let virtualSize = 0
  try {
    virtualSize = sizeOf(view, format, report, options)
  } catch (error) {
    if (!(error instanceof Malformed)) throw error
    report('malformed', error.message)
    return answer(0)
  }
  if (virtualSize > (options.maxVirtualBytes ?? 8 * TIB)) report('virtual_size', 'Virtual size is over the limit')
  if (
    virtualSize > TIB &&
    view.size !== undefined &&
    virtualSize / Math.max(1, view.size) > (options.maxRatio ?? 1_000_000)
  )
    report('ratio', 'Virtual size is out of proportion to the file')
  return answer(Number.isFinite(virtualSize) ? virtualSize : 0)
}

/** Which of the marks is the image's own. A partition table belongs to a raw disk, and to a bootable ISO. */
function formatOf(found: readonly FoundFormat[], declared: string): FoundFormat {
  const own = found.find(each => each !== 'gpt')
  if (own !== undefined) return own
  return found.includes('gpt') && declared === 'gpt' ? 'gpt' : 'raw'
}

function sizeOf(view: View, format: FoundFormat, report: Report, options: InspectLimits): number {
  switch (format) {
    case 'qcow2':
      return inspectQcow2(view, report)
    case 'vmdk':
      return inspectVmdk(
        view,
        report,
        (options.vmdkTypes ?? ['monolithicSparse']).map(each => each.toLowerCase()),
      )
    case 'vdi':
      return inspectVdi(view, report)
    case 'vhd':
      return inspectVhd(view, report)
    case 'vhdx':
      return inspectVhdx(view, report)
    case 'ploop':
      return inspectPloop(view, report)
    case 'iso':
      return Math.max(isoSize(view), view.size ?? 0)
    case 'gpt':
      inspectPartitions(view, report)
      return view.size ?? 0
    default:
      return view.size ?? 0
  }
}

/** The first characters, for a log line about an image that was refused. */
export function magicOf(head: Uint8Array): string {
  return JSON.stringify(latin1(head.subarray(0, 16)))
}
