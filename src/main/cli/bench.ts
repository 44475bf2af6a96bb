// `koto bench`: the benchmark: figures per operation, and as a ratio to a stored run.
import { Refusal } from '#kernel/config/refusal.ts'
import type { Command } from '#main/cli/command.ts'

export const bench: Command = {
  args: '',
  options: [],
  async run() {
    throw new Refusal('not built yet.')
  },
}
