// Where this machine keeps volumes: files beside the guests where guests are real, on paper where they are not.
import type { StateDir } from '#host/node/state-dir.ts'
import type { Machine } from '#main/hosts.ts'
import type { Backend } from '#services/cinder/drivers/backend.ts'

/** `sizeGb`: what the pool may hold at most. */
export async function volumeBackend(
  machine: Machine,
  state: StateDir,
  sizeGb: number,
): Promise<{ name: string; backend: Backend }> {
  const { createSimulatedBackend } = await import('#services/cinder/drivers/backend-simulated/backend-simulated.ts')
  void machine
  return {
    name: 'simulated',
    backend: createSimulatedBackend({ totalGb: sizeGb, file: `${state.folder('simulated')}/volumes.json` }),
  }
}
