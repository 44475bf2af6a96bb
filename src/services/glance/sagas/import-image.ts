// From an image in `importing` to an active one: its bytes are staged (by the client, or fetched here), pass the gate into the
// store, and the image shows what they are. What fails leaves a queued image, and nothing staged or stored.
import { saga } from '#kernel/saga/saga.ts'
import type { Tools } from '#services/glance/sagas/tools.ts'

export interface ImportImage {
  readonly imageId: string
  readonly taskId: string
  /** Where the bytes are fetched from; null: they are staged. */
  readonly uri: string | null
}
const HOURS = 3_600_000

export const importImage = saga<Tools>()<ImportImage, 'api'>('import-image', {
  subject: s => s.imageId,
  home: 'api',
  failed: (s, t, ending) => t.failed(s.imageId, s.taskId, ending),
})
  .step('begin', {
    at: 'api',
    do: (s, t) => t.begin(s.taskId),
    undo: (s, t) => t.discard(s.imageId),
  })
  .step('fetch', {
    at: 'api',
    when: s => s.uri !== null,
    do: (s, t, run) => t.download(s.imageId, s.uri ?? '', run.signal),
    undo: (s, t) => t.discard(s.imageId),
    deadlineMs: 12 * HOURS,
  })
  .step('keep', {
    at: 'api',
    do: async (s, t, run) => ({ kept: await t.keep(s.imageId, run.signal) }),
    undo: (s, t) => t.drop(s.imageId),
    deadlineMs: 12 * HOURS,
  })
  .step('tidy', {
    at: 'api',
    do: (s, t) => t.discard(s.imageId),
  })
  .step('announce', {
    at: 'api',
    do: (s, t) => t.finish(s.imageId, s.taskId, s.kept),
    undo: (s, t) => t.unfinish(s.imageId, s.taskId),
  })
