// Reading numbers out of an image's first bytes, when not all of them have arrived yet: what is missing is asked for, what never comes is an error.

/** More of the image must be seen before this question can be answered. Never leaves the inspection. */
export class NeedBytes extends Error {
  readonly offset: number
  readonly length: number
  constructor(offset: number, length: number) {
    super(`needs ${length} bytes at ${offset}`)
    this.name = 'NeedBytes'
    this.offset = offset
    this.length = length
  }
}

/** The bytes contradict the format they claim to be. Never leaves the inspection: it becomes a problem. */
export class Malformed extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'Malformed'
  }
}

/** A piece of the image at its place. */
export interface Piece {
  readonly offset: number
  readonly bytes: Uint8Array
}

/** What is known of an image: some pieces, and its whole length once the end was seen. */
export class View {
  readonly pieces: readonly Piece[]
  readonly size: number | undefined
  constructor(pieces: readonly Piece[], size: number | undefined) {
    this.pieces = pieces
    this.size = size
  }

  /** Exactly these bytes. Throws {@link NeedBytes}, or {@link Malformed} when the image ends before. */
  at(offset: number, length: number): Uint8Array {
    if (!Number.isSafeInteger(offset) || offset < 0) throw new Malformed('An offset lies outside of the image')
    if (this.size !== undefined && offset + length > this.size)
      throw new Malformed('The image ends within its own header')
    for (const { offset: start, bytes } of this.pieces)
      if (offset >= start && offset + length <= start + bytes.length)
        return bytes.subarray(offset - start, offset - start + length)
    throw new NeedBytes(offset, length)
  }

  /** Like {@link at}, but an image that ends before gives `undefined`: for looking whether a signature is there. */
  peek(offset: number, length: number): Uint8Array | undefined {
    return this.size !== undefined && offset + length > this.size ? undefined : this.at(offset, length)
  }

  has(offset: number, text: string): boolean {
    const found = this.peek(offset, text.length)
    return found !== undefined && latin1(found) === text
  }

  u8(offset: number): number {
    return this.data(offset, 1).getUint8(0)
  }

  u16be(offset: number): number {
    return this.data(offset, 2).getUint16(0)
  }

  u16le(offset: number): number {
    return this.data(offset, 2).getUint16(0, true)
  }

  u32be(offset: number): number {
    return this.data(offset, 4).getUint32(0)
  }

  u32le(offset: number): number {
    return this.data(offset, 4).getUint32(0, true)
  }

  u64be(offset: number): number {
    return clamp(this.data(offset, 8).getBigUint64(0))
  }

  u64le(offset: number): number {
    return clamp(this.data(offset, 8).getBigUint64(0, true))
  }

  private data(offset: number, length: number): DataView {
    const bytes = this.at(offset, length)
    return new DataView(bytes.buffer, bytes.byteOffset, length)
  }
}

/** Beyond 2^53 every number is "far too large" here; Infinity says so and fails each limit. */
function clamp(value: bigint): number {
  return value > BigInt(Number.MAX_SAFE_INTEGER) ? Number.POSITIVE_INFINITY : Number(value)
}

/** Bytes as characters, one to one. */
export function latin1(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += String.fromCharCode(byte)
  return text
}

export function isZero(bytes: Uint8Array): boolean {
  return bytes.every(byte => byte === 0)
}

export function isPowerOfTwo(value: number): boolean {
  return Number.isSafeInteger(value) && value > 0 && Number.isInteger(Math.log2(value))
}
