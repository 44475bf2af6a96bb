// The making of servers: everything a request can get wrong is found before a row is written; then rows, claim on the
// quota, and the boot saga are one transaction.
import type { Kysely } from 'kysely'

import { randomPassword } from '#kernel/lib/random-text.ts'
import type { Database } from '#kernel/db/database.ts'
import { Fault } from '#kernel/contract/fault.ts'
import { RemoteFault } from '#kernel/http/client.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import type { Ctx, Who } from '#kernel/lib/context.ts'
import type { Ids } from '#kernel/lib/ids.ts'
import type { Enforcer } from '#kernel/policy/enforcer.ts'
import type { Engine } from '#kernel/saga/engine.ts'
import { faults } from '#services/nova/contract/faults.ts'
import { rules } from '#services/nova/contract/rules.ts'
import { actionsDb } from '#services/nova/db/actions.ts'
import { blockDevicesDb } from '#services/nova/db/block-devices.ts'
import { serverFilesDb, type ServerFile } from '#services/nova/db/server-files.ts'
import { serversDb, type Server } from '#services/nova/db/servers.ts'
import type { FlavorCopy, NovaTables, RequestedNic } from '#services/nova/db/tables.ts'
import {
  countUsage,
  demandRoom,
  demandFilesFit,
  limitsOf,
  limitsOfUser,
  type QuotaDefaults,
} from '#services/nova/domain/quotas.ts'
import { devicesOf, type RequestedDevice } from '#services/nova/domain/servers/block-device-request.ts'
import { withMapping } from '#services/nova/domain/servers/image-mapping.ts'
import { serverImagesDb } from '#services/nova/db/server-images.ts'
import { groupForScheduling, hostsOfHints, zoneOf } from '#services/nova/domain/servers/placement-wishes.ts'
import type { RequestSpec } from '#services/nova/rpc.ts'
import { bootServer } from '#services/nova/sagas/boot-server.ts'

/** An image as far as making a server needs it. */
export interface ImageFacts {
  readonly id: string
  readonly status: string
  readonly size: number | null
  readonly virtual_size: number | null
  readonly min_disk: number
  readonly min_ram: number
  readonly disk_format: string | null
  readonly [property: string]: unknown
}
export interface CreateTools {
  readonly database: Database<NovaTables>
  readonly engine: Engine<Kysely<NovaTables>>
  readonly policy: Enforcer
  readonly clock: Clock
  readonly ids: Ids
  readonly defaults: QuotaDefaults
  /** Questions to neighbours with the person's own token. They throw RemoteFault. */
  readonly neighbours: {
    image(ctx: Ctx, id: string): Promise<ImageFacts>
    volume(
      ctx: Ctx,
      id: string,
    ): Promise<{ id: string; status: string; size: number; bootable: string; multiattach: boolean }>
    snapshot(ctx: Ctx, id: string): Promise<{ id: string; status: string; size: number }>
    /** Refuses (400, 409) networks, ports, addresses and security groups that cannot be used; answers how many ports will be made. */
    checkNetworks(
      ctx: Ctx,
      wanted: readonly RequestedNic[] | 'auto' | 'none',
      groups: readonly string[],
      count: number,
    ): Promise<void>
  }
}

export interface CreateRequest {
  readonly name: string
  readonly imageRef: string | null
  readonly flavorRef: string
  readonly metadata: Readonly<Record<string, string>>
  readonly networks: readonly RequestedNic[] | 'auto' | 'none'
  readonly securityGroups: readonly string[]
  readonly keyName: string | null
  readonly userData: string | null
  readonly configDrive: string
  readonly accessIpV4: string | null
  readonly accessIpV6: string | null
  readonly availabilityZone: string | null
  readonly blockDevicesV1: readonly Readonly<Record<string, unknown>>[] | undefined
  readonly blockDevicesV2: readonly Readonly<Record<string, unknown>>[] | undefined
  readonly minCount: number
  readonly maxCount: number
  readonly description: string | null
  readonly tags: readonly string[]
  readonly trustedCerts: readonly string[] | null
  readonly requestedHost: string | null
  readonly hostname: string | null
  readonly adminPass: string | null
  readonly hints: Readonly<Record<string, unknown>>
  /** Null: as the image says. */
  readonly autoDiskConfig: boolean | null
  /** Put into the config drive, where there is one. */
  readonly files: readonly ServerFile[]
}
export interface Created {
  readonly servers: readonly Server[]
  readonly reservationId: string
  readonly adminPass: string
}

/** Makes the rows and starts the boots. Throws 400, 403, 404, 409 with nothing changed. */
export async function createServers(tools: CreateTools, ctx: Ctx, request: CreateRequest): Promise<Created> {
  const who = ctx.who as Who
  const projectId = who.projectId
  if (projectId === null) throw new Fault('Forbidden', 403, 'A project is needed to make servers.')
  demandPolicies(tools, ctx, request, projectId)
  if (request.minCount > request.maxCount) throw faults.BadRequest({ reason: 'min_count must be <= max_count' })
  const name = request.name.trim()
  const flavor = await flavorOf(tools, ctx, request.flavorRef, projectId)
  const own = await imageOf(tools, ctx, request.imageRef)
  const devices = devicesOf(
    withMapping(own, { imageId: request.imageRef, v1: request.blockDevicesV1, v2: request.blockDevicesV2 }),
  )
  const root = devices.find(device => device.bootIndex === 0)
  const fromVolume = root?.destinationType === 'volume'
  const image = own ?? (await imageOf(tools, ctx, root?.sourceType === 'image' ? root.imageId : null))
  if (image !== null) checkFlavor(flavor, image, fromVolume, root?.sizeGb ?? null)
  if (fromVolume === false && image === null) throw faults.BadRequest({ reason: 'Invalid imageRef provided.' })
  await checkVolumes(tools, ctx, devices)
  const { publicKey, zone, group, hintHosts } = await tools.database.read(ctx, 'check-server-request', async q => ({
    publicKey: await publicKeyOf(q, who.userId, request.keyName),
    zone: await zoneOf(q, request.availabilityZone),
    group: await groupForScheduling(q, request.hints['group'], who, tools.policy),
    hintHosts: await hostsOfHints(q, request.hints),
  }))
  await tools.neighbours.checkNetworks(ctx, request.networks, request.securityGroups, request.maxCount)

  const now = tools.clock.now()
  const reservationId = `r-${tools.ids.hex().slice(0, 8)}`
  const hostname = request.hostname ?? sanitized(name)
  const many = request.maxCount
  const imageProperties = image === null ? {} : propertiesOf(image)
  const autoDiskConfig = diskConfigOf(request.autoDiskConfig, image)
  const started: string[] = []
  // The first id is made before the session, so that its crossing says which server it is about. The others come when the quota has
  // room for them: however many are asked for, the asking costs nothing.
  const subject = tools.ids.uuid()
  const servers = await tools.database.tx({ ...ctx, subject }, 'create-server', async q => {
    started.length = 0
    const db = serversDb(q)
    await demandRoom(
      q,
      projectId,
      { instances: many, cores: many * flavor.vcpus, ram: many * flavor.ramMb },
      tools.defaults,
      who.userId,
    )
    const limits = {
      ...(await limitsOf(q, projectId, tools.defaults)),
      ...(await limitsOfUser(q, projectId, who.userId)),
    }
    const items = Object.keys(request.metadata).length
    if (limits.metadata_items >= 0 && items > limits.metadata_items) {
      throw faults.OverQuotaSimple({
        reason: `Quota exceeded for metadata items: Requested ${items}, but the limit is ${limits.metadata_items}`,
      })
    }
    demandFilesFit(limits, request.files)
    const made: Server[] = []
    for (let index = 0; index < many; index++) {
      const id = index === 0 ? subject : tools.ids.uuid()
      const multi = many > 1 ? `-${index + 1}` : ''
      const server: Server = {
        id,
        serial: await db.nextSerial(),
        projectId,
        userId: who.userId,
        name: `${name}${multi}`,
        hostname: `${hostname}${multi}`,
        description: request.description,
        vmState: 'building',
        taskState: 'scheduling',
        powerState: 0,
        host: null,
        node: null,
        launchedOn: null,
        availabilityZone: zone.zone,
        pinnedAvailabilityZone: zone.zone,
        requestedHost: request.requestedHost ?? zone.host,
        imageId: fromVolume ? '' : (image?.id ?? ''),
        kernelId: String(image?.['kernel_id'] ?? ''),
        ramdiskId: String(image?.['ramdisk_id'] ?? ''),
        imageProperties,
        flavor,
        keyName: request.keyName,
        publicKey,
        userData: request.userData,
        configDrive: request.configDrive,
        accessIpV4: request.accessIpV4,
        accessIpV6: request.accessIpV6,
        lockedBy: null,
        lockedReason: null,
        reservationId,
        launchIndex: index,
        rootDeviceName: root?.device === null || root === undefined ? '/dev/vda' : `/dev/${root.device}`,
        securityGroups: request.securityGroups,
        requestedNetworks: request.networks,
        schedulerHints: request.hints,
        trustedCerts: request.trustedCerts,
        claim: null,
        progress: 0,
        createdAt: now,
        updatedAt: now,
        launchedAt: null,
        terminatedAt: null,
        deletedAt: null,
        autoDiskConfig,
        password: null,
        softDeletedAt: null,
      }
      await db.add(server)
      await serverFilesDb(q).keep(id, request.files)
      await serverImagesDb(q).setOrigin(id, {
        baseImageId: image?.id ?? '',
        minRamMb: image?.min_ram ?? 0,
        minDiskGb: Math.max(image?.min_disk ?? 0, fromVolume ? 0 : flavor.diskGb),
        userName: who.userName,
        projectName: who.projectName,
        roles: who.roles.join(','),
      })
      for (const [key, value] of Object.entries(request.metadata))
        await q.insertInto('server_metadata').values({ server_id: id, key, value }).execute()
      for (const tag of new Set(request.tags))
        await q.insertInto('server_tags').values({ server_id: id, tag }).execute()
      for (const device of devices)
        await blockDevicesDb(q).add({ id: tools.ids.uuid(), serverId: id, ...rowOf(device), createdAt: now })
      if (group !== null)
        await q.insertInto('server_group_members').values({ group_id: group.id, server_id: id }).execute()
      await actionsDb(q).begin({
        id: tools.ids.uuid(),
        serverId: id,
        action: 'create',
        requestId: ctx.requestId,
        userId: who.userId,
        projectId,
        message: null,
        startedAt: now,
        updatedAt: now,
      })
      const spec: RequestSpec = {
        serverId: id,
        projectId,
        flavor,
        imageProperties,
        bootFromVolume: fromVolume,
        availabilityZone: zone.zone,
        requestedHost: server.requestedHost,
        hints: { ...request.hints, ...hintHosts },
        ignoreHosts: [],
        group: group === null ? null : group.scheduling,
      }
      started.push(await tools.engine.prepare(q, bootServer, { serverId: id, spec }, { ...ctx, subject: id }))
      made.push(server)
    }
    await countUsage(q, projectId, { instances: many, cores: many * flavor.vcpus, ramMb: many * flavor.ramMb })
    return made
  })
  for (const id of started) tools.engine.go(id)
  return { servers, reservationId, adminPass: request.adminPass ?? randomPassword(tools.ids, 12) }
}

function demandPolicies(tools: CreateTools, ctx: Ctx, request: CreateRequest, projectId: string): void {
  const target = { project_id: projectId, user_id: ctx.who?.userId }
  const demand = (rule: (typeof rules)[keyof typeof rules], when: boolean): void => {
    if (!when || tools.policy.allows(ctx.who, rule, target)) return
    throw new Fault('Forbidden', 403, `Policy doesn't allow ${rule.name} to be performed.`)
  }
  demand(
    rules.serversCreateAttachVolume,
    (request.blockDevicesV2 ?? []).length > 0 || (request.blockDevicesV1 ?? []).length > 0,
  )
  demand(rules.serversCreateAttachNetwork, typeof request.networks !== 'string' && request.networks.length > 0)
  demand(rules.serversCreateForcedHost, request.availabilityZone?.includes(':') === true)
  demand(rules.computeServersCreateRequestedDestination, request.requestedHost !== null)
  demand(rules.serversCreateTrustedCerts, request.trustedCerts !== null)
}

/** The flavor as it is now. Throws 400 for one that is not there, not to be had, or not for this project. */
export async function flavorOf(
  tools: Pick<CreateTools, 'database'>,
  ctx: Ctx,
  ref: string,
  projectId: string,
): Promise<FlavorCopy> {
  const id = ref.split('/').at(-1) ?? ref
  const row = await tools.database.read(ctx, 'find-flavor', async q => {
    const flavor = await q.selectFrom('flavors').selectAll().where('id', '=', id).executeTakeFirst()
    if (flavor === undefined || flavor.disabled !== 0) return undefined
    if (flavor.is_public !== 0 || ctx.who?.roles.includes('admin') === true) return flavor
    const access = await q
      .selectFrom('flavor_access')
      .selectAll()
      .where('flavor_id', '=', id)
      .where('project_id', '=', projectId)
      .executeTakeFirst()
    return access === undefined ? undefined : flavor
  })
  if (row === undefined) throw faults.FlavorBadRequest({ id })
  return {
    id: row.id,
    name: row.name,
    vcpus: row.vcpus,
    ramMb: row.ram_mb,
    diskGb: row.disk_gb,
    ephemeralGb: row.ephemeral_gb,
    swapMb: row.swap_mb,
    extraSpecs: JSON.parse(row.extra_specs) as Record<string, string>,
  }
}

export async function imageOf(
  tools: { neighbours: Pick<CreateTools['neighbours'], 'image'> },
  ctx: Ctx,
  ref: string | null,
  absent?: string,
): Promise<ImageFacts | null> {
  if (ref === null || ref === '') return null
  const id = ref.split('/').at(-1) ?? ref
  let image: ImageFacts
  try {
    image = await tools.neighbours.image(ctx, id)
  } catch (error) {
    if (error instanceof RemoteFault && (error.status === 404 || error.status === 403))
      throw absent === undefined ? faults.ImageNotFound({ cause: error }) : faults.BadRequest({ reason: absent })
    throw error
  }
  if (image.status !== 'active') throw faults.ImageInvalid({ reason: `Image ${id} is not active.` })
  return image
}

/** Whether the cloud lays the disk out: as asked for, else as the image says. Throws 400 where the image forbids it. */
export function diskConfigOf(wanted: boolean | null, image: ImageFacts | null): boolean {
  const said = image === null ? '' : String(image['auto_disk_config'] ?? '').trim()
  if (wanted === true && said === 'Disabled')
    throw faults.BadRequest({ reason: `Requested image ${image?.id ?? ''} has automatic disk resize disabled.` })
  return wanted ?? /^(1|t|true|on|y|yes)$/i.test(said)
}

const GIB = 1024 ** 3
/** Refuses (400) a flavor too small for the image. */
export function checkFlavor(flavor: FlavorCopy, image: ImageFacts, fromVolume: boolean, volumeGb: number | null): void {
  if (flavor.ramMb < image.min_ram)
    throw faults.BadRequest({ reason: "Flavor's memory is too small for requested image." })
  if (fromVolume) {
    if (volumeGb !== null && image.min_disk > volumeGb)
      throw faults.BadRequest({
        reason: `Volume is smaller than the minimum size specified in image metadata. Volume size is ${volumeGb * GIB} bytes, minimum size is ${image.min_disk * GIB} bytes.`,
      })
    return
  }
  if (flavor.diskGb === 0) return
  const bytes = image.virtual_size ?? image.size ?? 0
  if (bytes > flavor.diskGb * GIB)
    throw faults.BadRequest({
      reason: `Flavor's disk is too small for requested image. Flavor disk is ${flavor.diskGb * GIB} bytes, image is ${bytes} bytes.`,
    })
  if (image.min_disk > flavor.diskGb)
    throw faults.BadRequest({
      reason: `Flavor's disk is smaller than the minimum size specified in image metadata. Flavor disk is ${flavor.diskGb * GIB} bytes, minimum size is ${image.min_disk * GIB} bytes.`,
    })
}

async function checkVolumes(tools: CreateTools, ctx: Ctx, devices: readonly RequestedDevice[]): Promise<void> {
  for (const device of devices) {
    try {
      if (device.volumeId !== null) {
        const volume = await tools.neighbours.volume(ctx, device.volumeId)
        const usable = volume.status === 'available' || (volume.multiattach && volume.status === 'in-use')
        if (!usable)
          throw faults.BadRequest({
            reason: `Invalid volume: volume '${volume.id}' status must be 'available'. Currently in '${volume.status}' status`,
          })
        if (device.bootIndex === 0 && volume.bootable !== 'true')
          throw faults.BadRequest({ reason: `Block Device ${volume.id} is not bootable.` })
      }
      if (device.snapshotId !== null) await tools.neighbours.snapshot(ctx, device.snapshotId)
      if (device.imageId !== null && device.destinationType === 'volume') await imageOf(tools, ctx, device.imageId)
    } catch (error) {
      if (!(error instanceof RemoteFault) || error.status >= 500) throw error
      const what = device.volumeId === null ? `snapshot ${device.snapshotId ?? ''}` : `volume ${device.volumeId}`
      throw faults.BadRequest({ reason: `Block Device Mapping is Invalid: failed to get ${what}.` }, { cause: error })
    }
  }
}

export async function publicKeyOf(q: Kysely<NovaTables>, userId: string, name: string | null): Promise<string | null> {
  if (name === null) return null
  const pair = await q
    .selectFrom('key_pairs')
    .select('public_key')
    .where('user_id', '=', userId)
    .where('name', '=', name)
    .executeTakeFirst()
  if (pair === undefined) throw faults.BadRequest({ reason: 'Invalid key_name provided.' })
  return pair.public_key
}

const rowOf = (device: RequestedDevice) => ({
  sourceType: device.sourceType,
  destinationType: device.destinationType,
  imageId: device.imageId,
  snapshotId: device.snapshotId,
  volumeId: device.volumeId,
  attachmentId: null,
  device: device.device,
  bootIndex: device.bootIndex,
  sizeGb: device.sizeGb,
  volumeType: device.volumeType,
  guestFormat: device.guestFormat,
  diskBus: device.diskBus,
  deviceType: device.deviceType,
  deleteOnTermination: device.deleteOnTermination,
  tag: device.tag,
  connectionInfo: null,
})

/** Keys of an image that are not properties. */
const NOT_PROPERTIES = new Set([
  'id',
  'status',
  'name',
  'size',
  'virtual_size',
  'min_disk',
  'min_ram',
  'checksum',
  'owner',
  'visibility',
  'protected',
  'tags',
  'created_at',
  'updated_at',
  'file',
  'self',
  'schema',
  'locations',
  'direct_url',
  'os_hidden',
  'os_hash_algo',
  'os_hash_value',
  'stores',
  'owner_id',
  'members',
])
export const propertiesOf = (image: ImageFacts): Record<string, string> =>
  Object.fromEntries(
    Object.entries(image).flatMap(([key, value]) =>
      NOT_PROPERTIES.has(key) || value === null || value === undefined ? [] : [[key, String(value)]],
    ),
  )

/** A host name from a server's name, as upstream makes it: ASCII letters, digits and hyphens, at most 63. */
export function sanitized(name: string): string {
  const plain = name
    .normalize('NFKD')
    .replace(/[ _.]/g, '-')
    .replace(/[^a-zA-Z0-9-]/g, '')
    .toLowerCase()
    .replace(/^-+|-+$/g, '')
    .slice(0, 63)
  return plain === '' ? 'server' : plain
}
