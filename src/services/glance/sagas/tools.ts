// What the steps of Glance's sagas may use; all of them run at the API, which has the database and the store.
import type { Ending } from '#kernel/saga/saga.ts'

/** What was learned of an image while its bytes went into the store. */
export interface Kept {
  readonly size: number
  readonly md5: string
  readonly sha512: string
  readonly virtualSize: number
}
export interface ApiTools {
  /** The task is being worked on. */
  begin(taskId: string): Promise<void>
  /** Fetches the bytes into the staging area. */
  download(imageId: string, uri: string, signal: AbortSignal): Promise<void>
  /** Staged bytes go; harmless when there are none. */
  discard(imageId: string): Promise<void>
  /** Staged bytes go through the gate into the store. */
  keep(imageId: string, signal: AbortSignal): Promise<Kept>
  drop(imageId: string): Promise<void>
  /** The image is active and the task a success. Throws when the image is gone. */
  finish(imageId: string, taskId: string, kept: Kept): Promise<void>
  /** Takes `finish` back. */
  unfinish(imageId: string, taskId: string): Promise<void>
  /** The image is queued again, the task a failure. */
  failed(imageId: string, taskId: string, ending: Ending): Promise<void>
}
export interface Tools {
  readonly api: ApiTools
}
