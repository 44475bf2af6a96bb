// `koto ssh SERVER [-- CMD…]`: a shell in a server, with the demo key, through the cloud's external network.
import { Refusal } from '#kernel/config/refusal.ts'
import { textOption, type Command } from '#main/cli/command.ts'
import { runInside } from '#main/cli/enter.ts'
import { findServer, sessionAs, sshArgv } from '#main/cli/server-access.ts'
import { stateOf, stateOption } from '#main/cli/state-option.ts'
import type { StateDir } from '#host/node/state-dir.ts'

export const ssh: Command = {
  args: '<server>',
  options: [
    stateOption,
    {
      flags: '-l, --login <user>',
      says: {
        en: "login user (the image's os_admin_user, else koto)",
        ja: 'ログイン名(イメージの os_admin_user、なければ koto)',
      },
    },
    { flags: '-i, --identity <file>', says: { en: 'another private key', ja: '別の秘密鍵' } },
  ],
  takesRest: true,
  notes: { en: "Exit code: ssh's.", ja: '終了コードは ssh のもの。' },
  async run(given) {
    const state = stateOf(given)
    const server = await findServer(state, given.args[0] ?? '')
    if (server.status !== 'ACTIVE')
      throw new Refusal(`${server.name} is ${server.status}, not ACTIVE; koto why ${server.id} may say more.`)
    const target = server.addresses[0]
    if (target === undefined) throw new Refusal(`${server.name} has no address.`)
    if (!target.floating) {
      process.stderr.write(
        `koto: ${server.name} has no floating IP, and ${target.address} may not be reachable from outside its network.\n`,
      )
    }
    const user = textOption(given, 'login') ?? (await loginUser(state, server.imageId))
    const key = textOption(given, 'identity') ?? state.file('id_ed25519')
    const terminal = given.rest.length > 0 ? [] : ['-t']
    return await runInside(state, [...sshArgv(key, user, target.address, terminal), ...given.rest], process.env)
  },
}

/** What the image says of its own login, `koto` where it says nothing. */
async function loginUser(state: StateDir, imageId: string | null): Promise<string> {
  if (imageId === null) return 'koto'
  const session = await sessionAs(state, 'koto-admin')
  try {
    const image = (await session.call('GET', 'image', `/images/${imageId}`, undefined, { accept: [200, 404] })).json<{
      os_admin_user?: string
    } | null>()
    return image?.os_admin_user ?? 'koto'
  } finally {
    session.close()
  }
}
