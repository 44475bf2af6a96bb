// Servers over HTTP: translate, never decide.
import { ipv6Text } from '#kernel/lib/ip-text.ts'
import { handlers, type HandlerTable } from '#kernel/http/handlers.ts'
import { linksRow } from '#kernel/http/paging.ts'
import type { Presenter } from '#kernel/http/presenter.ts'
import { faults } from '#services/nova/contract/faults.ts'
import { rules } from '#services/nova/contract/rules.ts'
import { serverActions, servers } from '#services/nova/contract/servers.ts'
import type { Server, ServerChange } from '#services/nova/db/servers.ts'
import type { RequestedNic } from '#services/nova/db/tables.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { asListed, asUpdated, serverLinks } from '#services/nova/api/present-server.ts'
import { createServers, type CreateRequest, type CreateTools } from '#services/nova/domain/servers/create.ts'
import { pageOfServers, type ListTools } from '#services/nova/domain/servers/list.ts'
import type { ServersDomain } from '#services/nova/domain/servers/servers.ts'

/** Upstream keeps the short spelling. */
const ipv6Of = (given: string | null | undefined): string | null =>
  given === undefined || given === null || given === '' ? null : ipv6Text(given)

export interface ServersApi {
  readonly domain: ServersDomain
  /** DELETE: at once, or softly where deletes can be taken back. */
  readonly remove: (ctx: Ctx, id: string) => Promise<void>
  readonly create: CreateTools
  readonly list: ListTools
  readonly present: Presenter<Server>
}

const nicsOf = (networks: unknown): CreateRequest['networks'] => {
  if (networks === undefined || networks === 'auto' || (Array.isArray(networks) && networks.length === 0)) return 'auto'
  if (networks === 'none') return 'none'
  return (networks as { uuid?: string; port?: string | null; fixed_ip?: string; tag?: string }[]).map(
    (entry): RequestedNic => {
      if (entry.uuid === undefined && (entry.port === undefined || entry.port === null))
        throw faults.BadRequest({ reason: 'Bad networks format: network uuid is not in proper format (None)' })
      return {
        networkId: entry.port === undefined || entry.port === null ? (entry.uuid ?? null) : null,
        portId: entry.port ?? null,
        fixedIp: entry.fixed_ip ?? null,
        tag: entry.tag ?? null,
      }
    },
  )
}
const diskConfig = (word: 'AUTO' | 'MANUAL' | undefined): boolean | null =>
  word === undefined ? null : word === 'AUTO'
const configDriveOf = (value: unknown): string =>
  value === undefined || value === ''
    ? ''
    : value === true || ['true', '1', 'yes', 'on', 't', 'y'].includes(String(value).toLowerCase())
      ? 'True'
      : ''

export function serverHandlers(api: ServersApi): HandlerTable[] {
  const { domain } = api
  const page = async (call: { ctx: Ctx; query: unknown; at: number }, detail: boolean) =>
    pageOfServers(api.list, call.ctx, {
      query: call.query as Record<string, (string | number)[] | undefined>,
      detail,
      at: call.at,
    })
  return [
    handlers(servers, {
      list: async call => {
        const { servers: found, more } = await page(call, false)
        return {
          servers: found.map(server => ({ id: server.id, name: server.name, links: serverLinks(call, server.id) })),
          ...linksRow(call, 'servers', more ? (found.at(-1)?.id ?? null) : null),
        }
      },
      detail: async call => {
        const { servers: found, more } = await page(call, true)
        return {
          servers: (await call.list(api.present, found)).map(asListed),
          ...linksRow(call, 'servers', more ? (found.at(-1)?.id ?? null) : null),
        }
      },
      create: async call => {
        const { server, ...rest } = call.body
        const minCount = server.min_count ?? 1
        const request: CreateRequest = {
          name: server.name,
          imageRef: server.imageRef === undefined || server.imageRef === '' ? null : server.imageRef,
          flavorRef: server.flavorRef,
          metadata: server.metadata ?? {},
          networks: nicsOf(server.networks),
          securityGroups: [...new Set((server.security_groups ?? []).flatMap(group => group.name ?? []))],
          keyName: server.key_name ?? null,
          userData: server.user_data ?? null,
          configDrive: configDriveOf(server.config_drive),
          accessIpV4: server.accessIPv4 === '' ? null : (server.accessIPv4 ?? null),
          accessIpV6: ipv6Of(server.accessIPv6),
          availabilityZone: server.availability_zone ?? null,
          blockDevicesV1: server.block_device_mapping,
          blockDevicesV2: server.block_device_mapping_v2,
          minCount,
          maxCount: server.max_count ?? minCount,
          description:
            server.description === undefined ? (call.at >= 2019 ? null : server.name.trim()) : server.description,
          tags: server.tags ?? [],
          trustedCerts: server.trusted_image_certificates ?? null,
          requestedHost: server.host ?? server.hypervisor_hostname ?? null,
          hostname: server.hostname ?? null,
          adminPass: server.adminPass ?? null,
          autoDiskConfig: diskConfig(server['OS-DCF:diskConfig']),
          files: (server.personality ?? []).map(({ path, contents }) => ({ path, contents })),
          hints: rest['os:scheduler_hints'] ?? rest['OS-SCH-HNT:scheduler_hints'] ?? {},
        }
        const made = await createServers(api.create, call.ctx, request)
        if (server.return_reservation_id === true) return { reservation_id: made.reservationId }
        const first = made.servers[0] as Server
        call.header('location', `${call.base}/v2.1/servers/${first.id}`)
        return {
          server: {
            id: first.id,
            links: serverLinks(call, first.id),
            'OS-DCF:diskConfig': first.autoDiskConfig ? 'AUTO' : 'MANUAL',
            security_groups: (first.securityGroups.length === 0 ? ['default'] : first.securityGroups).map(name => ({
              name,
            })),
            adminPass: made.adminPass,
          },
        }
      },
      show: async call => ({
        server: await call.show(api.present, await domain.find(call.ctx, call.params.id, rules.serversShow)),
      }),
      update: async call => {
        const given = call.body.server
        const change: ServerChange = {
          ...(given.name === undefined ? {} : { name: given.name.trim() }),
          ...(given.description === undefined ? {} : { description: given.description }),
          ...(given.hostname === undefined ? {} : { hostname: given.hostname }),
          ...(given['OS-DCF:diskConfig'] === undefined
            ? {}
            : { autoDiskConfig: given['OS-DCF:diskConfig'] === 'AUTO' }),
          ...(given.accessIPv4 === undefined ? {} : { accessIpV4: given.accessIPv4 === '' ? null : given.accessIPv4 }),
          ...(given.accessIPv6 === undefined ? {} : { accessIpV6: ipv6Of(given.accessIPv6) }),
        }
        const server = await call.show(api.present, await domain.update(call.ctx, call.params.id, change))
        return { server: asUpdated(server, call.at) }
      },
      remove: call => api.remove(call.ctx, call.params.id),
    }),
    handlers(serverActions, {
      start: async call => domain.power(call.ctx, call.params.id, 'start'),
      stop: async call => domain.power(call.ctx, call.params.id, 'stop'),
      reboot: async call =>
        domain.power(call.ctx, call.params.id, call.body.type === 'HARD' ? 'reboot-hard' : 'reboot-soft'),
      pause: async call => domain.power(call.ctx, call.params.id, 'pause'),
      unpause: async call => domain.power(call.ctx, call.params.id, 'unpause'),
      suspend: async call => domain.power(call.ctx, call.params.id, 'suspend'),
      resume: async call => domain.power(call.ctx, call.params.id, 'resume'),
      lock: async call => domain.lock(call.ctx, call.params.id, call.body?.locked_reason ?? null),
      unlock: async call => domain.unlock(call.ctx, call.params.id),
      forceDelete: async call => domain.remove(call.ctx, call.params.id, rules.deferredDeleteForce),
      resetState: async call => domain.resetState(call.ctx, call.params.id, call.body.state),
    }),
  ]
}
