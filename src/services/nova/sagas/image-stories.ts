// The stories of images, rebuilds, rescues and the shelf: a delete of their server unwinds them first.
import { createBackup, createImage } from '#services/nova/sagas/create-image.ts'
import { rebuildServer } from '#services/nova/sagas/rebuild-server.ts'
import { rescueServer, unrescueServer } from '#services/nova/sagas/rescue-server.ts'
import { offloadServer, shelveServer, unshelveHere, unshelveServer } from '#services/nova/sagas/shelve-server.ts'

export const IMAGE_STORIES = [
  createImage,
  createBackup,
  rebuildServer,
  rescueServer,
  unrescueServer,
  shelveServer,
  offloadServer,
  unshelveHere,
  unshelveServer,
]
