// The sagas that move servers, for the hosts that run their legs.
import { atPlace, type SagaAtPlace } from '#kernel/saga/legs.ts'
import type { StepRun } from '#kernel/saga/saga.ts'
import { evacuateServer } from '#services/nova/sagas/evacuate-server.ts'
import { landServer, liveMigrate } from '#services/nova/sagas/live-migrate.ts'
import { resizeServer } from '#services/nova/sagas/resize-server.ts'
import { confirmResize, revertResize } from '#services/nova/sagas/settle-resize.ts'
import type { ComputeTools } from '#services/nova/sagas/tools.ts'

export const movingLegs = (tools: (run: StepRun) => ComputeTools): SagaAtPlace[] => [
  atPlace(resizeServer, 'compute', tools),
  atPlace(confirmResize, 'compute', tools),
  atPlace(revertResize, 'compute', tools),
  atPlace(liveMigrate, 'compute', tools),
  atPlace(landServer, 'compute', tools),
  atPlace(evacuateServer, 'compute', tools),
]
