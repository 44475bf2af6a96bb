// First data through the public APIs, in order: flavors, networks, images, key pair. Idempotent; what is there is left alone.

import { computeRpc } from '#services/nova/rpc.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { createExec } from '#host/node/exec.ts'
import { fileBytes } from '#host/node/file-bytes.ts'
import type { Guest } from '#host/guest/build-guest.ts'
import type { HttpAnswer } from '#kernel/http/call.ts'
import { wordsOf, type Transport } from '#kernel/http/client.ts'
import type { StartOptions } from '#main/control/control.ts'
import type { Cloud } from '#main/create-cloud.ts'
import { guestCache } from '#main/guest-cache.ts'
import { bootstrapNetwork } from '#services/neutron/domain/bootstrap.ts'
import { definition as neutron } from '#services/neutron/service.ts'
import { definition as keystone } from '#services/keystone/service.ts'
import { bootstrapCompute } from '#services/nova/domain/bootstrap.ts'
import { definition as nova } from '#services/nova/service.ts'
import { definition as glance } from '#services/glance/service.ts'

/** A person's calls through a service's public API. */
export interface Caller {
  json<T>(to: Transport, method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<T>
  send(
    to: Transport,
    method: string,
    path: string,
    body: AsyncIterable<Uint8Array>,
    headers: Record<string, string>,
  ): Promise<HttpAnswer>
}

/** Fills in what is missing. Returns notices for the person. */
export async function bootstrap(cloud: Cloud, options: StartOptions): Promise<string[]> {
  const notices: string[] = []
  const admin = await callerOf(cloud)
  const ctx = await cloud.identityOf('neutron').ctx('koto')
  const { projects } = await admin.json<{ projects: { id: string; name: string }[] }>(
    cloud.transportTo(keystone),
    'GET',
    '/v3/projects?name=demo',
  )
  await bootstrapNetwork({
    neutron: cloud.transportTo(neutron),
    ctx: { ...ctx, cross: (_crossing, deed) => deed() },
    demoProjectId: projects[0]?.id ?? '',
  })
  const { users } = await admin.json<{ users: { id: string }[] }>(
    cloud.transportTo(keystone),
    'GET',
    '/v3/users?name=demo',
  )
  const compute = await cloud.identityOf('nova').ctx('koto')
  await bootstrapCompute({
    nova: cloud.transportTo(nova),
    ctx: compute,
    demoUserId: users[0]?.id ?? '',
    publicKey: options.demoKey.publicKey,
  })
  if (options.state.fresh) await widenDemo(cloud, admin, projects[0]?.id ?? '')
  notices.push(...(await firstImages(cloud, options, admin)))
  // After the guest is built: its kernel is what /dev/kvm is proved with.
  const emulation = await cloud.machine.emulation()
  if (emulation !== null) notices.push(emulation)
  return notices
}

/** Calls as the service account of glance, whose images belong to project service. */
async function callerOf(cloud: Cloud): Promise<Caller> {
  const ctx = await cloud.identityOf('glance').ctx('koto')
  const token = ctx.who?.token ?? ''
  const raw = async (
    to: Transport,
    method: string,
    pathname: string,
    body: string | AsyncIterable<Uint8Array> | null,
    headers: Record<string, string>,
  ): Promise<HttpAnswer> => {
    const [plain = '', query = ''] = pathname.split('?')
    const answer = await to.send('koto', {
      method,
      path: plain,
      query,
      headers: { 'x-auth-token': token, ...headers },
      body,
    })
    if (answer.status >= 400)
      throw new Error(`first data: ${method} ${pathname} was answered ${answer.status}: ${wordsOf(answer)}`)
    return answer
  }
  return {
    async json<T>(
      to: Transport,
      method: string,
      pathname: string,
      body?: unknown,
      headers: Record<string, string> = {},
    ) {
      const answer = await raw(
        to,
        method,
        pathname,
        body === undefined ? null : JSON.stringify(body),
        body === undefined ? headers : { 'content-type': 'application/json', ...headers },
      )
      return (typeof answer.body === 'string' && answer.body !== '' ? JSON.parse(answer.body) : null) as T
    },
    send: (to, method, pathname, body, headers) => raw(to, method, pathname, body, headers),
  }
}

/**
 * demo may ask for more cores and memory than there are, so that a learner meets the scheduler's reasons and not the quota's
 * (docs/decisions/0008). Only on a new cloud: what a person sets later stays.
 */
async function widenDemo(cloud: Cloud, caller: Caller, projectId: string): Promise<void> {
  await caller.json(cloud.transportTo(nova), 'PUT', `/v2.1/os-quota-sets/${projectId}`, {
    quota_set: { cores: -1, ram: -1 },
  })
}

interface ImageRow {
  readonly id: string
  readonly name: string
  readonly status: string
}

/** koto-tiny with its kernel and ramdisk; on a cloud without QEMU its rows stand for an image nobody boots. */
async function firstImages(cloud: Cloud, options: StartOptions, caller: Caller): Promise<string[]> {
  const to = cloud.transportTo(glance)
  const { images } = await caller.json<{ images: ImageRow[] }>(to, 'GET', '/v2/images?visibility=public&limit=100')
  const there = (name: string): ImageRow | undefined =>
    images.find(image => image.name === name && image.status === 'active')
  const isHalf = images.some(image => image.name.startsWith('koto-tiny') && image.status === 'queued')
  if (there('koto-tiny') !== undefined && !isHalf) return []
  const { buildGuest } = await import('#host/guest/build-guest.ts')
  let guest: Guest
  try {
    const build = () => buildGuest({ cacheDir: guestCache(options.state), exec: createExec(), log: options.progress })
    // Another cloud of this checkout may be building it too: whoever comes second then finds it.
    guest = await build().catch(build)
  } catch (error) {
    return [`The image koto-tiny could not be built: ${(error as Error).message}`]
  }
  const sending: Promise<HttpAnswer>[] = []
  /** The row at once; its bytes are on their way beside those of the others. */
  const make = async (name: string, file: { path: string; size: number }, fields: object): Promise<string> => {
    const known = there(name) ?? images.find(image => image.name === name && image.status === 'queued')
    if (known?.status === 'active') return known.id
    const wish = { name, visibility: 'public', ...fields }
    const { id } = known ?? (await caller.json<ImageRow>(to, 'POST', '/v2/images', wish))
    const headers = { 'content-type': 'application/octet-stream', 'content-length': String(file.size) }
    const sent = caller.send(to, 'PUT', `/v2/images/${id}/file`, fileBytes(file.path), headers)
    sent.catch(() => undefined) // whoever waits for all of them hears of it
    sending.push(sent)
    return id
  }
  const kernel = await make('koto-tiny-kernel', guest.kernel, { disk_format: 'aki', container_format: 'aki' })
  const ramdisk = await make('koto-tiny-ramdisk', guest.ramdisk, { disk_format: 'ari', container_format: 'ari' })
  const disk = await make('koto-tiny', guest.disk, {
    disk_format: 'qcow2',
    container_format: 'bare',
    min_disk: guest.minDiskGb,
    min_ram: guest.minRamMb,
    kernel_id: kernel,
    ramdisk_id: ramdisk,
    os_command_line: guest.commandLine,
    os_distro: 'koto',
    os_admin_user: 'koto',
  })
  await Promise.all(sending)
  void keepAtHand(cloud, [kernel, ramdisk, disk])
  return []
}

/** The first server need not wait for its image: real hosts fetch it while the person reads what `up` printed. */
async function keepAtHand(cloud: Cloud, imageIds: readonly string[]): Promise<void> {
  if (cloud.machine.hypervisorKind !== 'qemu') return
  const { clock, ids, bus, log } = cloud.platform
  const [host] = cloud.machine.hosts
  if (host === undefined) return
  const ctx: Ctx = { requestId: `req-${ids.uuid()}`, who: null, actor: 'koto', cross: (_crossing, deed) => deed() }
  await clock.sleep(300) // `up` answers first
  for (const imageId of imageIds)
    await bus
      .client(computeRpc)
      .on(host.name)
      .cache_image(ctx, { imageId })
      .catch((error: unknown) => log('koto').warn(null, `an image is not at hand yet: ${(error as Error).message}`))
}
