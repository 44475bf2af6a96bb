// What must not compile.
import { test } from 'node:test'
import { call, cast, rpc } from '#kernel/bus/rpc.ts'
import type { Bus } from '#kernel/bus/bus.ts'
import type { Ctx } from '#kernel/lib/context.ts'

const computeRpc = rpc('nova-compute', {
  reboot: call<{ serverId: string; hard: boolean }>({ timeoutMs: 120_000 }),
  consoleLog: call<{ serverId: string; lines?: number }, { text: string }>({ timeoutMs: 10_000 }),
  refreshRules: cast<{ securityGroupId: string }>(),
})

test('types of the bus', () => {
  const never = async (bus: Bus, ctx: Ctx): Promise<void> => {
    const ask = bus.client(computeRpc)
    const { text } = await ask.on('h').consoleLog(ctx, { serverId: 's' })
    text.toUpperCase()
    await ask.all().refreshRules(ctx, { securityGroupId: 'g' })
    // @ts-expect-error asking all exists for casts only
    await ask.all().reboot(ctx, { serverId: 's', hard: true })
    // @ts-expect-error a payload of the wrong shape
    await ask.any().reboot(ctx, { serverId: 's' })
    // @ts-expect-error a missing method
    await bus.serve(computeRpc, 'h', { reboot: async () => {}, refreshRules: async () => {} })
    await bus.serve(computeRpc, 'h', {
      reboot: async () => {},
      // @ts-expect-error a wrong answer
      consoleLog: async () => ({ text: 1 }),
      refreshRules: async () => {},
    })
  }
  void never
})
