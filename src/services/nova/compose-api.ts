// All of Nova's API tables put together, each given what its room needs. A new noun is a line here.
import type { HandlerTable } from '#kernel/http/handlers.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { moveHandlers } from '#services/nova/api/moves.ts'
import { neutronProxy } from '#services/nova/actors/neighbours/neutron-proxy.ts'
import { groupsShown } from '#services/nova/api/security-group-proxies.ts'
import { partHandlers } from '#services/nova/api/server-parts.ts'
import { serverImageHandlers } from '#services/nova/api/server-images.ts'
import { createServerImagesDomain } from '#services/nova/domain/servers/images.ts'
import { createRebuildDomain } from '#services/nova/domain/servers/rebuild.ts'
import { presentServer } from '#services/nova/api/present-server.ts'
import { serverHandlers } from '#services/nova/api/servers.ts'
import { proxyTables } from '#services/nova/compose-proxies.ts'
import { nounTables } from '#services/nova/compose-nouns.ts'
import type { QuotaDefaults } from '#services/nova/domain/quotas.ts'
import { createExternalEvents } from '#services/nova/domain/external-events.ts'
import { consoleTokenHandlers } from '#services/nova/api/console-tokens.ts'
import { serverPasswordHandlers } from '#services/nova/api/server-passwords.ts'
import { createServerPasswords } from '#services/nova/domain/servers/passwords.ts'
import { deferredDeleteHandlers } from '#services/nova/api/deferred-delete.ts'
import { createDeferredDelete } from '#services/nova/domain/servers/deferred-delete.ts'
import { createMetadata } from '#services/nova/domain/metadata.ts'
import { serverLoads } from '#services/nova/domain/servers/loads.ts'
import { createLiveMoves } from '#services/nova/domain/servers/live-moves.ts'
import type { MoveTools } from '#services/nova/domain/servers/move-parts.ts'
import { createMovesDomain, type MovesDomain } from '#services/nova/domain/servers/moves.ts'
import { createPartsDomain, type PartsDomain } from '#services/nova/domain/servers/parts.ts'
import { createServersDomain } from '#services/nova/domain/servers/servers.ts'
import { networkChecks } from '#services/nova/actors/neighbours/network-checks.ts'
import { portsOfServer } from '#services/nova/actors/neighbours/ports-of-server.ts'
import { volumeChecks } from '#services/nova/actors/neighbours/volume-checks.ts'
import { faults } from '#services/nova/contract/faults.ts'
import { hostOfVolume } from '#services/nova/domain/host-of-volume.ts'
import { computeRpc, type NicRecord } from '#services/nova/rpc.ts'
import type { NovaRooms } from '#services/nova/service.ts'

export interface ApiTables {
  readonly tables: readonly HandlerTable[]
  readonly configDriveFiles: (
    ctx: Ctx,
    serverId: string,
    nics: readonly NicRecord[],
  ) => Promise<Readonly<Record<string, string>>>
  readonly finishDelete: (ctx: Ctx, serverId: string) => Promise<void>
  /** Deletes for good a server that waited for it. */
  readonly reclaim: (ctx: Ctx, serverId: string) => Promise<void>
  readonly offloadOld: (ctx: Ctx) => Promise<{ seen: number; corrected: number }>
  /** A round of looking up servers' addresses. */
  healAddresses(ctx: Ctx): Promise<{ seen: number; corrected: number }>
  readonly metadata: ReturnType<typeof createMetadata>
  readonly parts: PartsDomain
  readonly moves: MovesDomain
}

export const quotaDefaults = (settings: NovaRooms['settings']): QuotaDefaults => ({
  instances: settings.quotaInstances,
  cores: settings.quotaCores,
  ram: settings.quotaRam,
  key_pairs: settings.quotaKeyPairs,
  server_groups: settings.quotaServerGroups,
  server_group_members: settings.quotaServerGroupMembers,
  metadata_items: settings.quotaMetadataItems,
  injected_files: 5,
  injected_file_content_bytes: 10240,
  injected_file_path_bytes: 255,
})

export function apiTables(rooms: NovaRooms): ApiTables {
  const { database, settings, policy, neighbours } = rooms
  const loads = serverLoads(rooms, rooms.sha224, settings.serviceDownTimeS * 1000)
  const ports = portsOfServer(neighbours.neutron)
  const present = presentServer(loads, (ctx, ids) =>
    ports.namesOfGroups(ctx, ids).catch((error: unknown) => {
      rooms.log.warn(ctx, `security groups of servers are not known: ${(error as Error).message}`)
      return null
    }),
  )
  const domain = createServersDomain({ ...rooms, log: { warn: (ctx, says) => rooms.log.warn(ctx, says) } })
  const deferred = createDeferredDelete({
    ...rooms,
    defaults: quotaDefaults(settings),
    reclaimMs: settings.reclaimInstanceIntervalS * 1000,
    remove: (ctx, id) => domain.remove(ctx, id),
  })
  const volumes = volumeChecks(neighbours.cinder)
  const tables = serverHandlers({
    domain,
    remove: deferred.remove,
    present,
    list: { database, policy, maxLimit: settings.maxLimit },
    create: {
      ...rooms,
      defaults: quotaDefaults(settings),
      neighbours: {
        image: async (ctx, id) => (await rooms.glance.look(ctx, id)) as never,
        volume: volumes.volume,
        snapshot: volumes.snapshot,
        checkNetworks: networkChecks(neighbours.neutron),
      },
    },
  })
  const moveTools: MoveTools = {
    ...rooms,
    defaults: quotaDefaults(settings),
    downAfterMs: settings.serviceDownTimeS * 1000,
    allowSameHost: settings.allowResizeToSameHost,
    image: async (ctx, id) => (await rooms.glance.look(ctx, id)) as never,
    log: { warn: (ctx, says) => rooms.log.warn(ctx, says) },
  }
  const moves = createMovesDomain(moveTools)
  const live = createLiveMoves(moveTools)
  const images = createServerImagesDomain({
    ...rooms,
    defaults: quotaDefaults(settings),
    offloadAfterS: settings.shelvedOffloadTime,
    images: {
      create: (ctx, image) => rooms.glanceImages.create(ctx, image, false),
      remove: async (ctx, id) => rooms.glanceImages.remove(await rooms.identity.ctx('nova-api', ctx), id),
    },
  })
  const imageTable = serverImageHandlers({
    images,
    present,
    frontDoor: base => base.replace(/\/compute$/, ''),
    rebuild: createRebuildDomain({
      ...rooms,
      defaults: quotaDefaults(settings),
      neighbours: {
        image: async (ctx, id) => (await rooms.glance.look(ctx, id)) as never,
        volume: volumes.volume,
      },
    }),
  })
  const asService = (ctx: Ctx): Promise<Ctx> => rooms.identity.ctx('nova-api', ctx)
  const metadata = createMetadata({
    ...rooms,
    dhcpDomain: settings.dhcpDomain,
    randomSeed: () => btoa(String.fromCodePoint(...rooms.ids.bytes(512))),
    subnets: async (ctx, ids) => ports.subnets(await asService(ctx), ids),
  })
  const events = createExternalEvents({
    ...rooms,
    describe: async (ctx, id, known) => rooms.neutron(await asService(ctx)).describe(id, known),
    volumeSize: async (ctx, id) => (await volumes.volume(await asService(ctx), id)).size,
  })
  const parts = createPartsDomain({
    ...rooms,
    defaults: quotaDefaults(settings),
    tokenTtlMs: settings.consoleTokenTtlS * 1000,
    neighbours: {
      volume: volumes.volume,
      reserve: volumes.reserve,
      unreserve: async (ctx, id) => rooms.cinder(await asService(ctx)).disconnect(id),
      beginDetach: volumes.beginDetach,
    },
  })
  const placeOf = async (ctx: Ctx, volumeId: string): Promise<{ serverId: string; host: string }> => {
    const where = await hostOfVolume(database, ctx, volumeId)
    if (where === undefined) throw faults.BadRequest({ reason: `No volume Block Device Mapping with id ${volumeId}.` })
    return where
  }
  const partTables = partHandlers({
    domain: parts,
    events,
    frontDoor: base => base.replace(/\/compute$/, ''),
    portStatus: async (ctx, id) => ports.states(await asService(ctx), id),
    groupsOf: async (ctx, id) => groupsShown(neutronProxy(neighbours.neutron), ctx, await ports.groupIds(ctx, id)),
    changeGroup: (ctx, id, name, add) => ports.changeGroup(ctx, id, name, add),
    mergeVolume: async (ctx, { volumeId, base }) => {
      const { host, serverId } = await placeOf(ctx, volumeId)
      await rooms.bus.client(computeRpc).on(host).commit_disk(ctx, { serverId, volumeId, base })
    },
    snapshotVolume: async (ctx, volumeId, overlay) => {
      const where = await placeOf(ctx, volumeId)
      await rooms.bus
        .client(computeRpc)
        .on(where.host)
        .snapshot_disk(ctx, { serverId: where.serverId, volumeId, overlay })
    },
  })
  return {
    tables: [
      ...tables,
      ...partTables,
      imageTable,
      deferredDeleteHandlers(deferred),
      ...serverPasswordHandlers(createServerPasswords(rooms)),
      consoleTokenHandlers(parts),
      ...nounTables(rooms, quotaDefaults(settings)),
      ...proxyTables(rooms, quotaDefaults(settings), (ctx, id) => events.refresh(ctx, id)),
      ...moveHandlers({ domain: moves, live, policy, ids: rooms.ids, maxLimit: settings.maxLimit }),
    ],
    configDriveFiles: (ctx, serverId, nics) => metadata.files(ctx, serverId, nics),
    finishDelete: (ctx, id) => domain.finishDelete(ctx, id),
    reclaim: (ctx, id) => domain.reclaim(ctx, id),
    metadata,
    parts,
    moves,
    offloadOld: ctx => images.offloadOld(ctx),
    healAddresses: ctx => events.heal(ctx),
  }
}
