// The port to wherever image bytes are kept.

/** What was learned of an image while its bytes arrived. */
export interface Stored {
  readonly size: number
  /** MD5, as hex: `checksum`. */
  readonly md5: string
  /** SHA-512, as hex: `os_hash_value`. */
  readonly sha512: string
  readonly virtualSize: number
}
/** Images kept at hand; the bytes are those of the store. */
export interface ImageCache {
  /** Takes an image in; its size. Harmless to repeat. Throws when the store has none. */
  fill(imageId: string): Promise<number>
  get(imageId: string, offset?: number, length?: number | null): AsyncIterable<Uint8Array>
  /** Harmless when there is nothing. */
  remove(imageId: string): Promise<void>
  list(): Promise<ReadonlyMap<string, number>>
}
/** Why bytes were not kept. */
export class StoreFault extends Error {
  readonly code: 'refused' | 'too-large' | 'full'
  constructor(code: StoreFault['code'], message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'StoreFault'
    this.code = code
  }
}

export interface ImageStore {
  /**
   * Takes the bytes as they arrive, hashes and inspects them on the way, and keeps them whole or not at all. `declared` is the
   * disk format: bytes that are something else, or not safe for the tools that will read them, are refused; in a `wrapped` image (a
   * container that is not `bare`) bytes without any known mark pass, as upstream lets them: who uses them looks at them again.
   * Null: nobody reads them from here but another `put`, so they are neither judged nor hashed (staging).
   * Throws {@link StoreFault}; errors of the stream pass through.
   */
  put(
    imageId: string,
    bytes: AsyncIterable<Uint8Array>,
    options: { declared: string | null; wrapped?: boolean; maxBytes: number },
  ): Promise<Stored>
  /** The bytes from `offset`, `length` of them (null: to the end). Throws when there are none. */
  get(imageId: string, offset?: number, length?: number | null): AsyncIterable<Uint8Array>
  /** Harmless when there is nothing. */
  remove(imageId: string): Promise<void>
  /** The size of whole bytes; null when there are none. */
  has(imageId: string): Promise<number | null>
  /** Where they lie, for services that may read them there; of no image: where all lie. */
  url(imageId: string): string
  /** Ids with their sizes, and names of files that are no image's: for the audit. */
  list(): Promise<{ images: ReadonlyMap<string, number>; strays: readonly string[] }>
  /** Removes what a killed process left half written. */
  clean(): Promise<void>
}
