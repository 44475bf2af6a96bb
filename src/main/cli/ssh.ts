// `koto ssh SERVER [-- CMD…]`: a shell in a server, with the demo key, through the cloud's external network.
import { existsSync } from 'node:fs'
import { Refusal } from '#kernel/config/refusal.ts'
import { textOption, type Command } from '#main/cli/command.ts'
import { entryPrefix, runInside } from '#main/cli/enter.ts'
import { findServer, sessionAs, sshArgv, type FoundServer } from '#main/cli/server-access.ts'
import { stateOf, stateOption } from '#main/cli/state-option.ts'
import type { StateDir } from '#host/node/state-dir.ts'

/** What ssh itself exits with when there was no session. */
const NOT_THROUGH = 255

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
    if (!['ACTIVE', 'VERIFY_RESIZE', 'RESCUE'].includes(server.status))
      throw new Refusal(`${server.name} is ${server.status}, not ACTIVE; koto why ${server.id} may say more.`)
    const way = await wayTo(state, server)
    const user = textOption(given, 'login') ?? (await loginUser(state, server.imageId))
    const key = textOption(given, 'identity') ?? state.file('id_ed25519')
    const terminal = given.rest.length > 0 ? [] : ['-t']
    const code = await runInside(way.prefix, [...sshArgv(key, user, way.address, terminal), ...given.rest], process.env)
    if (code === NOT_THROUGH) {
      process.stderr.write(
        `koto: ssh did not get through to ${way.address}; a security group of ${server.name} must allow tcp port 22, and the guest must have booted (openstack console log show ${server.id}).\n`,
      )
    }
    return code
  },
}

/** A floating address from the external network; else a fixed one from the namespace that serves its network's addresses. */
async function wayTo(state: StateDir, server: FoundServer): Promise<{ address: string; prefix: readonly string[] }> {
  const [first] = server.addresses
  if (first === undefined) throw new Refusal(`${server.name} has no address.`)
  const prefix = await entryPrefix(state)
  if (prefix.length === 0)
    throw new Refusal(
      `This cloud has a simulated network, which carries no packets, so nobody can log in over it; ${server.name} has its console: openstack console url show --novnc ${server.id}.`,
    )
  if (first.floating) return { address: first.address, prefix }
  const session = await sessionAs(state, 'koto-admin')
  try {
    const { ports } = await session.get<{ ports: WirePort[] }>('network', `/ports?device_id=${server.id}`)
    for (const port of ports) {
      const inside = prefix.map(word => word.replace(/\/netns\/external$/, `/netns/qdhcp-${port.network_id}`))
      const there = inside.find(word => word.startsWith('--net='))?.slice('--net='.length)
      const address = port.fixed_ips.find(ip => ip.ip_address.includes('.'))?.ip_address
      if (there !== undefined && address !== undefined && existsSync(there)) return { address, prefix: inside }
    }
  } finally {
    session.close()
  }
  throw new Refusal(
    `${server.name} has no floating IP, and its network no DHCP server to go through; give it one: openstack server add floating ip ${server.name} ADDRESS.`,
  )
}

interface WirePort {
  readonly network_id: string
  readonly fixed_ips: readonly { readonly ip_address: string }[]
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
