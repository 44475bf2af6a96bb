// The API's numbers for what guests do.
import type { GuestState } from '#services/nova/drivers/hypervisor.ts'

export const POWER: Readonly<Record<GuestState, number>> = {
  running: 1,
  shutdown: 4,
  paused: 3,
  crashed: 6,
  suspended: 7,
  missing: 0,
}
