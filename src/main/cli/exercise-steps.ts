// The steps of the self-check. Each is one public API story; what it made is put on a pile that the last step takes down.
import type { Clock } from '#kernel/lib/clock.ts'
import type { Exec } from '#host/node/exec.ts'
import type { ApiSession, ServiceType } from '#host/node/api-session.ts'
import type { StateDir } from '#host/node/state-dir.ts'
import { sessionAs, sshArgv } from '#main/cli/server-access.ts'

export interface Outcome {
  readonly name: string
  readonly result: 'passed' | 'failed' | 'skipped'
  readonly says: string
  readonly ms: number
}

export interface ExerciseWish {
  readonly state: StateDir
  /** Starts programs in the external network. */
  readonly exec: Exec
  /** False on a simulated network, where no packet reaches a guest. */
  readonly reachable: boolean
  readonly clock: Clock
  /** Makes names of this run its own. */
  readonly tag: string
  readonly flavor: string
  readonly image: string
  readonly keep: boolean
}

class Skipped extends Error {}

const BOOT_LIMIT_MS = 300_000
const SSH_LIMIT_MS = 240_000
const SHORT_LIMIT_MS = 60_000

interface Named {
  readonly id: string
  readonly name: string
  readonly status: string
}

/** Yields an outcome per step. After a failure the steps that need it are skipped, and what was made is removed all the same. */
export async function* exerciseSteps(wish: ExerciseWish): AsyncGenerator<Outcome> {
  const { clock, tag } = wish
  const name = `exercise-${tag}`
  const undo: { what: string; do: () => Promise<void> }[] = []
  let session: ApiSession | null = null
  const api = (): ApiSession => {
    if (session === null) throw new Skipped('needs a token')
    return session
  }
  const found: {
    image?: string
    network?: string
    port?: string
    server?: string
    address?: string
    key?: string
    group?: string
    ssh?: boolean
  } = {}
  const need = (what: keyof typeof found): string => {
    const value = found[what]
    if (typeof value !== 'string') throw new Skipped(`needs the ${what}`)
    return value
  }

  const until = async (what: string, limitMs: number, look: () => Promise<boolean>, everyMs = 100): Promise<void> => {
    const end = clock.monotonic() + limitMs
    while (!(await look())) {
      if (clock.monotonic() > end) throw new Error(`${what}: not within ${limitMs / 1000} s`)
      await clock.sleep(everyMs)
    }
  }
  const make = async <T>(type: ServiceType, path: string, body: unknown, key: string): Promise<T> =>
    (await api().call('POST', type, path, body)).json<Record<string, T>>()[key] as T
  const gone = async (type: ServiceType, path: string, wait: boolean): Promise<void> => {
    await api().call('DELETE', type, path, undefined, { accept: [200, 202, 204, 404] })
    if (!wait) return
    await until(
      `${path} to be gone`,
      SHORT_LIMIT_MS,
      async () => (await api().call('GET', type, path, undefined, { accept: [200, 404] })).status === 404,
    )
  }
  const inGuest = async (command: string): Promise<string> =>
    (
      await wish.exec.run(
        [...sshArgv(wish.state.file('id_ed25519'), 'koto', need('address'), ['-o', 'BatchMode=yes']), command],
        { timeoutMs: 30_000 },
      )
    ).stdout.trim()

  const steps: Record<string, () => Promise<string>> = {
    async token() {
      session = await sessionAs(wish.state, 'koto')
      return `demo has a token, ${session.token.length} characters`
    },
    async image() {
      const { images } = await api().get<{ images: (Named & { size: number })[] }>(
        'image',
        `/images?name=${encodeURIComponent(wish.image)}`,
      )
      const image = images[0]
      if (image === undefined) throw new Error(`there is no image ${wish.image}`)
      if (image.status !== 'active') throw new Error(`the image ${image.name} is ${image.status}`)
      found.image = image.id
      return `${image.name} is active, ${(image.size / 1024 ** 2).toFixed(1)} MB`
    },
    async network() {
      const { networks } = await api().get<{ networks: Named[] }>('network', '/networks?router:external=True')
      const outside = networks[0]
      if (outside === undefined) throw new Error('there is no external network')
      const network = await make<Named>('network', '/networks', { network: { name } }, 'network')
      undo.push({ what: 'network', do: () => gone('network', `/networks/${network.id}`, false) })
      const cidr = '10.254.254.0/28'
      const subnet = await make<Named>(
        'network',
        '/subnets',
        { subnet: { network_id: network.id, ip_version: 4, cidr, name } },
        'subnet',
      )
      const router = await make<Named>(
        'network',
        '/routers',
        { router: { name, external_gateway_info: { network_id: outside.id } } },
        'router',
      )
      undo.push({ what: 'router', do: () => gone('network', `/routers/${router.id}`, false) })
      await api().call('PUT', 'network', `/routers/${router.id}/add_router_interface`, { subnet_id: subnet.id })
      undo.push({
        what: 'router interface',
        do: async () =>
          void (await api().call(
            'PUT',
            'network',
            `/routers/${router.id}/remove_router_interface`,
            { subnet_id: subnet.id },
            { accept: [200, 404, 409] },
          )),
      })
      const group = await make<Named>('network', '/security-groups', { security_group: { name } }, 'security_group')
      undo.push({ what: 'security group', do: () => gone('network', `/security-groups/${group.id}`, false) })
      const rule = {
        security_group_id: group.id,
        direction: 'ingress',
        ethertype: 'IPv4',
        protocol: 'tcp',
        port_range_min: 22,
        port_range_max: 22,
      }
      await make('network', '/security-group-rules', { security_group_rule: rule }, 'security_group_rule')
      const port = await make<Named>(
        'network',
        '/ports',
        { port: { network_id: network.id, name, security_groups: [group.id] } },
        'port',
      )
      undo.push({ what: 'port', do: () => gone('network', `/ports/${port.id}`, false) })
      const floating = await make<Named & { floating_ip_address: string }>(
        'network',
        '/floatingips',
        { floatingip: { floating_network_id: outside.id, port_id: port.id } },
        'floatingip',
      )
      undo.push({ what: 'floating IP', do: () => gone('network', `/floatingips/${floating.id}`, false) })
      Object.assign(found, { network: network.id, port: port.id, address: floating.floating_ip_address })
      return `${cidr} behind a router, floating IP ${floating.floating_ip_address}`
    },
    async boot() {
      const flavors = await api().get<{ flavors: Named[] }>('compute', '/flavors')
      const flavor = flavors.flavors.find(one => one.name === wish.flavor)
      if (flavor === undefined) throw new Error(`there is no flavor ${wish.flavor}`)
      const body = {
        name,
        flavorRef: flavor.id,
        imageRef: need('image'),
        key_name: 'koto',
        networks: [{ port: need('port') }],
      }
      const from = clock.monotonic()
      const server = await make<Named>('compute', '/servers', { server: body }, 'server')
      undo.push({ what: 'server', do: () => gone('compute', `/servers/${server.id}`, true) })
      await until('ACTIVE', BOOT_LIMIT_MS, async () => {
        const now = (
          await api().get<{ server: Named & { fault?: { message: string } } }>('compute', `/servers/${server.id}`)
        ).server
        if (now.status === 'ERROR')
          throw new Error(`the server is in ERROR: ${now.fault?.message ?? 'no fault said'} (koto why ${server.id})`)
        return now.status === 'ACTIVE'
      })
      found.server = server.id
      return `${wish.flavor} is ACTIVE after ${Math.round(clock.monotonic() - from)} ms`
    },
    async ssh() {
      need('server')
      if (!wish.reachable) throw new Skipped('the network is simulated: no packet reaches a guest')
      let said = ''
      await until(
        'a login',
        SSH_LIMIT_MS,
        async () => {
          said = await inGuest('hostname; uname -r').catch(() => '')
          return said !== ''
        },
        500,
      )
      found.ssh = true
      return `logged in at ${found.address}: ${said.replaceAll('\n', ', ')}`
    },
    async volume() {
      const server = need('server')
      const volume = await make<Named>('volumev3', '/volumes', { volume: { size: 1, name } }, 'volume')
      undo.push({ what: 'volume', do: () => gone('volumev3', `/volumes/${volume.id}`, true) })
      const is = (wanted: string) => (): Promise<boolean> =>
        api()
          .get<{ volume: Named }>('volumev3', `/volumes/${volume.id}`)
          .then(({ volume: { status } }) => {
            if (status.startsWith('error')) throw new Error(`the volume is in ${status}`)
            return status === wanted
          })
      await until('available', SHORT_LIMIT_MS, is('available'))
      const attachments = `/servers/${server}/os-volume_attachments`
      const attached = await make<{ device: string }>(
        'compute',
        attachments,
        { volumeAttachment: { volumeId: volume.id } },
        'volumeAttachment',
      )
      await until('in-use', SHORT_LIMIT_MS, is('in-use'))
      if (found.ssh === true)
        await until(
          `${attached.device} in the guest`,
          SHORT_LIMIT_MS,
          async () => (await inGuest('ls /sys/block')).split(/\s+/).includes(attached.device.replace('/dev/', '')),
          500,
        )
      await api().call('DELETE', 'compute', `${attachments}/${volume.id}`)
      await until('available again', SHORT_LIMIT_MS, is('available'))
      return `1 GB made, attached as ${attached.device}${found.ssh === true ? ' and seen by the guest' : ''}, detached`
    },
    async delete() {
      if (wish.keep) throw new Skipped('kept, as told')
      const count = undo.length
      const failed: string[] = []
      for (const one of undo.toReversed()) {
        try {
          await one.do()
        } catch (error) {
          failed.push(`${one.what}: ${error instanceof Error ? error.message : String(error)}`)
        }
      }
      session?.close()
      if (failed.length > 0) throw new Error(failed.join('; '))
      return `${count} things removed`
    },
  }

  for (const [step, run] of Object.entries(steps)) {
    const from = clock.monotonic()
    const outcome = (result: Outcome['result'], says: string): Outcome => ({
      name: step,
      result,
      says,
      ms: clock.monotonic() - from,
    })
    try {
      yield outcome('passed', await run())
    } catch (error) {
      const says = error instanceof Error ? error.message : String(error)
      yield outcome(error instanceof Skipped ? 'skipped' : 'failed', says)
    }
  }
}
