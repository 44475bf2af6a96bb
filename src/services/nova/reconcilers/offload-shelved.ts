// Shelved servers give their place back when they have kept it long enough.
import { reconciler } from '#kernel/reconciler/reconciler.ts'

export interface OffloadShelved {
  /** Begins to offload what is due. */
  readonly offloadOld: () => Promise<{ seen: number; corrected: number }>
}

export const offloadShelved = reconciler<OffloadShelved>()('offload-shelved', { every: '60s' }, tools =>
  tools.offloadOld(),
)
