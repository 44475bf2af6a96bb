// `koto env [CLOUD]`: export lines for a shell: eval "$(koto env)".
import { exportLines } from '#host/node/state-dir-clouds.ts'
import { cloudEntry, readAccess } from '#main/cli/access.ts'
import type { Command } from '#main/cli/command.ts'
import { stateOf, stateOption } from '#main/cli/state-option.ts'

export const env: Command = {
  args: '[cloud]',
  options: [stateOption],
  notes: {
    en: 'Clouds: koto (demo), koto-admin, koto-system, koto-reader, koto-alt. Use: eval "$(koto env koto-admin)"',
    ja: 'クラウド名: koto(demo)、koto-admin、koto-system、koto-reader、koto-alt。使い方: eval "$(koto env koto-admin)"',
  },
  async run(given) {
    process.stdout.write(exportLines(cloudEntry(given.args[0]), readAccess(stateOf(given))))
    return 0
  },
}
