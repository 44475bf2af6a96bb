// Where this machine keeps volumes: files beside the guests where guests are real, on paper where they are not.
import { createExec } from '#host/node/exec.ts'
import type { StateDir } from '#host/node/state-dir.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import type { Machine } from '#main/hosts.ts'
import type { BackupStore } from '#services/cinder/drivers/backups.ts'
import type { Backend } from '#services/cinder/drivers/backend.ts'

/** `sizeGb`: what the pool may hold at most. */
export async function volumeBackend(
  machine: Pick<Machine, 'hypervisorKind'>,
  parts: { state: StateDir; clock: Clock; host: string },
  sizeGb: number,
): Promise<{ name: string; backend: Backend; backups: BackupStore }> {
  const { state, clock, host } = parts
  if (machine.hypervisorKind === 'simulated') {
    const { createSimulatedBackend } = await import('#services/cinder/drivers/backend-simulated/backend-simulated.ts')
    const { createSimulatedBackups } = await import('#services/cinder/drivers/backups-simulated/backups-simulated.ts')
    return {
      name: 'simulated',
      backend: createSimulatedBackend({ totalGb: sizeGb, file: `${state.folder('simulated')}/volumes.json` }),
      backups: createSimulatedBackups({ file: `${state.folder('simulated')}/backups.json` }),
    }
  }
  const { createFileBackend } = await import('#services/cinder/drivers/backend-file/backend-file.ts')
  const { createFileBackups } = await import('#services/cinder/drivers/backups-file/backups-file.ts')
  return {
    name: 'file',
    backend: createFileBackend({
      folder: state.folder('volumes'),
      exec: createExec(),
      clock,
      host,
      totalGb: sizeGb,
      nbdAddress: '127.0.0.1',
    }),
    backups: createFileBackups({ folder: state.folder('backups') }),
  }
}
