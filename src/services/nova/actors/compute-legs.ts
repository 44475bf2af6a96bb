// The stories that have steps at a compute host. A new one is a line here.
import { atPlace } from '#kernel/saga/legs.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { attachInterface, detachInterface } from '#services/nova/sagas/attach-interface.ts'
import { attachVolume, detachVolume } from '#services/nova/sagas/attach-volume.ts'
import { bootServer } from '#services/nova/sagas/boot-server.ts'
import { changePower } from '#services/nova/sagas/change-power.ts'
import { createBackup, createImage } from '#services/nova/sagas/create-image.ts'
import { deleteServer } from '#services/nova/sagas/delete-server.ts'
import { movingLegs } from '#services/nova/sagas/moving.ts'
import { rebuildServer } from '#services/nova/sagas/rebuild-server.ts'
import { rescueServer, unrescueServer } from '#services/nova/sagas/rescue-server.ts'
import { offloadServer, shelveServer, unshelveHere, unshelveServer } from '#services/nova/sagas/shelve-server.ts'
import { restoreServer, softDelete } from '#services/nova/sagas/soft-delete.ts'
import type { ComputeTools } from '#services/nova/sagas/tools.ts'

/** `tools` are made anew for each try, in its context. */
export const computeLegs = (tools: (ctx: Ctx) => ComputeTools) => [
  atPlace(bootServer, 'compute', run => tools(run.ctx)),
  atPlace(deleteServer, 'compute', run => tools(run.ctx)),
  atPlace(softDelete, 'compute', run => tools(run.ctx)),
  atPlace(restoreServer, 'compute', run => tools(run.ctx)),
  atPlace(changePower, 'compute', run => tools(run.ctx)),
  atPlace(attachVolume, 'compute', run => tools(run.ctx)),
  atPlace(detachVolume, 'compute', run => tools(run.ctx)),
  atPlace(attachInterface, 'compute', run => tools(run.ctx)),
  atPlace(detachInterface, 'compute', run => tools(run.ctx)),
  atPlace(createImage, 'compute', run => tools(run.ctx)),
  atPlace(createBackup, 'compute', run => tools(run.ctx)),
  atPlace(rebuildServer, 'compute', run => tools(run.ctx)),
  atPlace(rescueServer, 'compute', run => tools(run.ctx)),
  atPlace(unrescueServer, 'compute', run => tools(run.ctx)),
  atPlace(shelveServer, 'compute', run => tools(run.ctx)),
  atPlace(offloadServer, 'compute', run => tools(run.ctx)),
  atPlace(unshelveHere, 'compute', run => tools(run.ctx)),
  atPlace(unshelveServer, 'compute', run => tools(run.ctx)),
  ...movingLegs(run => tools(run.ctx)),
]
