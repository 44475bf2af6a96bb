// All of Nova's API tables put together, each given what its room needs. A new noun is a line here.
import type { HandlerTable } from '#kernel/http/handlers.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { presentServer } from '#services/nova/api/present-server.ts'
import { serverHandlers } from '#services/nova/api/servers.ts'
import { nounTables } from '#services/nova/compose-nouns.ts'
import type { QuotaDefaults } from '#services/nova/domain/quotas.ts'
import { serverLoads } from '#services/nova/domain/servers/loads.ts'
import { createServersDomain } from '#services/nova/domain/servers/servers.ts'
import { networkChecks } from '#services/nova/actors/neighbours/network-checks.ts'
import { volumeChecks } from '#services/nova/actors/neighbours/volume-checks.ts'
import type { NicRecord } from '#services/nova/rpc.ts'
import type { NovaRooms } from '#services/nova/service.ts'

export interface ApiTables {
  readonly tables: readonly HandlerTable[]
  readonly configDriveFiles: (
    ctx: Ctx,
    serverId: string,
    nics: readonly NicRecord[],
  ) => Promise<Readonly<Record<string, string>>>
  readonly finishDelete: (ctx: Ctx, serverId: string) => Promise<void>
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
  const present = presentServer(loads)
  const domain = createServersDomain({ ...rooms, log: { warn: (ctx, says) => rooms.log.warn(ctx, says) } })
  const volumes = volumeChecks(neighbours.cinder)
  const tables = serverHandlers({
    domain,
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
  return {
    tables: [...tables, ...nounTables(rooms, quotaDefaults(settings))],
    configDriveFiles: async () => ({}),
    finishDelete: (ctx, id) => domain.finishDelete(ctx, id),
  }
}
