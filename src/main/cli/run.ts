// `koto run ROLE… --config FILE`: components of a larger cloud. The roles and their wiring are main's.
import { Refusal } from '#kernel/config/refusal.ts'
import type { Command } from '#main/cli/command.ts'

export const run: Command = {
  args: '<role...>',
  options: [
    {
      flags: '--config <file>',
      says: { en: 'where databases, bus and neighbours are', ja: 'データベース、バス、隣のサービスの所在' },
    },
  ],
  async run() {
    throw new Refusal('This version runs all components in one process (koto up); running them apart is not built yet.')
  },
}
