// The port to a host's copies of images: fetched once, judged, kept as what guests' disks stand on.

/** How an image is to be had and what it must be. The values are Glance's. */
export interface ImageSource {
  /** `qcow2`, `raw`, `vmdk`, …, or `aki`, `ari` for kernels and ramdisks, which are kept byte for byte. */
  readonly diskFormat: string
  /** `os_hash_algo` and `os_hash_value`; `checksum` is MD5 and used only without them. */
  readonly hashAlgorithm?: string | null
  readonly hashValue?: string | null
  readonly checksum?: string | null
  readonly sizeBytes?: number | null
  /** The image's bytes. Ended early when the signal aborts. */
  download(signal: AbortSignal): AsyncIterable<Uint8Array>
}

export interface CachedImage {
  readonly imageId: string
  readonly path: string
  /** `file`: a kernel or ramdisk. */
  readonly format: 'qcow2' | 'raw' | 'file'
  /** In bytes, as a guest would see it. */
  readonly virtualSize: number
  readonly sizeBytes: number
}

/** One entry as the audit sees it. */
export interface CacheEntry extends CachedImage {
  /** Guests whose disks stand on it. */
  readonly users: number
  /** When a guest last asked for it, in milliseconds since 1970. */
  readonly usedAt: number
  /** SHA-256 of the file as it was stored. */
  readonly sha256: string
  /** Size and time of the file are still those of the day it was stored. */
  readonly whole: boolean
}

export type ImageCacheFaultCode =
  | 'refused' // the inspection found what no tool may read; the message says what
  | 'corrupt' // the bytes are not those the image service promised
  | 'unreadable' // the image cannot be converted

/** Why an image cannot be used on this host. Errors of the download itself pass through. */
export class ImageCacheFault extends Error {
  readonly code: ImageCacheFaultCode
  constructor(code: ImageCacheFaultCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'ImageCacheFault'
    this.code = code
  }
}

export interface ImageCache {
  /**
   * The image on this host, fetched if need be. Those who ask for the same one at the same time share one download, which
   * ends early only when none of them wants it any more. Throws {@link ImageCacheFault}; nothing stays behind then.
   */
  ensure(imageId: string, source: ImageSource, options?: { readonly signal?: AbortSignal }): Promise<CachedImage>
  /** What is kept, and no file that is not. */
  inventory(): Promise<readonly CacheEntry[]>
  /** Reads every byte again. One sentence per image that is not what was stored. */
  verify(): Promise<readonly string[]>
  /** Removes images no guest stands on and nobody asked for since `olderThanMs`. Returns their ids. */
  evict(options: { readonly olderThanMs: number }): Promise<readonly string[]>
  /** Removes what a killed process left half fetched. Call once, before the first `ensure`. */
  clean(): Promise<void>
}
