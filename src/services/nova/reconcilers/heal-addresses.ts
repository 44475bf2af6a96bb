// What servers are said to have as addresses is brought back to what Neutron says.
import type { Ctx } from '#kernel/lib/context.ts'
import { reconciler } from '#kernel/reconciler/reconciler.ts'

export interface HealAddresses {
  readonly ctx: Ctx
  readonly heal: (ctx: Ctx) => Promise<{ seen: number; corrected: number }>
}

export const healAddresses = reconciler<HealAddresses>()(
  'heal-addresses',
  { every: '15s', also: ['host-up'] },
  ({ ctx, heal }) => heal(ctx),
)
