// What the pages ask for, each under one key, so that two pages that need the same thing ask once.
import { queryOptions } from '@tanstack/react-query'
import type { Client } from '#app/api/client.ts'
import {
  inTransition,
  listFlavors,
  listKeyPairs,
  listServers,
  readConsoleLog,
  showLimits,
  showServer,
} from '#app/api/compute.ts'
import type { Server } from '#app/api/compute.ts'
import { listProjects } from '#app/api/identity.ts'
import { listImages } from '#app/api/image.ts'
import {
  listFloatingIps,
  listNetworks,
  listPorts,
  listRouters,
  listRules,
  listSecurityGroups,
  listSubnets,
} from '#app/api/network.ts'
import { listSnapshots, listVolumes, moving, showVolumeLimits } from '#app/api/volume.ts'

/** How often to ask again, in ms: often while something moves, else seldom. */
const MOVING_MS = 1200
const RESTING_MS = 12_000
/** For what a project seldom changes. */
const STALE_MS = 30_000

const pace = (servers: readonly Server[] | undefined): number =>
  servers?.some(inTransition) === true ? MOVING_MS : RESTING_MS

export const projectsQuery = (client: Client, token: string) =>
  queryOptions({ queryKey: ['projects'], queryFn: () => listProjects(client, token), staleTime: STALE_MS })

export const serversQuery = (client: Client) =>
  queryOptions({
    queryKey: ['servers'],
    queryFn: ({ signal }) => listServers(client, signal),
    refetchInterval: query => pace(query.state.data),
  })

export const serverQuery = (client: Client, id: string) =>
  queryOptions({
    queryKey: ['servers', id],
    queryFn: ({ signal }) => showServer(client, id, signal),
    refetchInterval: query => (query.state.error === null ? pace(query.state.data && [query.state.data]) : false),
  })

export const flavorsQuery = (client: Client) =>
  queryOptions({ queryKey: ['flavors'], queryFn: () => listFlavors(client), staleTime: STALE_MS })

export const keyPairsQuery = (client: Client) =>
  queryOptions({ queryKey: ['key-pairs'], queryFn: () => listKeyPairs(client), staleTime: STALE_MS })

export const imagesQuery = (client: Client) =>
  queryOptions({
    queryKey: ['images'],
    queryFn: () => listImages(client),
    staleTime: STALE_MS,
    refetchInterval: query => (query.state.data?.some(moving) === true ? MOVING_MS : false),
  })

export const networksQuery = (client: Client) =>
  queryOptions({ queryKey: ['networks'], queryFn: () => listNetworks(client), staleTime: STALE_MS })

export const securityGroupsQuery = (client: Client, projectId: string) =>
  queryOptions({
    queryKey: ['security-groups', projectId],
    queryFn: () => listSecurityGroups(client, projectId),
    staleTime: STALE_MS,
  })

export const limitsQuery = (client: Client) => queryOptions({ queryKey: ['limits'], queryFn: () => showLimits(client) })

export const volumeLimitsQuery = (client: Client, projectId: string) =>
  queryOptions({ queryKey: ['volume-limits', projectId], queryFn: () => showVolumeLimits(client, projectId) })

export const consoleLogQuery = (client: Client, id: string, lines: number | null) =>
  queryOptions({ queryKey: ['console-log', id, lines], queryFn: () => readConsoleLog(client, id, lines) })

export const volumesQuery = (client: Client, projectId: string) =>
  queryOptions({
    queryKey: ['volumes', projectId],
    queryFn: () => listVolumes(client, projectId),
    refetchInterval: query => (query.state.data?.some(moving) === true ? MOVING_MS : RESTING_MS),
  })

export const snapshotsQuery = (client: Client, projectId: string) =>
  queryOptions({
    queryKey: ['snapshots', projectId],
    queryFn: () => listSnapshots(client, projectId),
    refetchInterval: query => (query.state.data?.some(moving) === true ? MOVING_MS : RESTING_MS),
  })

export const subnetsQuery = (client: Client) =>
  queryOptions({ queryKey: ['subnets'], queryFn: () => listSubnets(client), staleTime: STALE_MS })

export const routersQuery = (client: Client) =>
  queryOptions({ queryKey: ['routers'], queryFn: () => listRouters(client), staleTime: STALE_MS })

export const portsQuery = (client: Client) =>
  queryOptions({ queryKey: ['ports'], queryFn: () => listPorts(client), refetchInterval: RESTING_MS })

export const floatingIpsQuery = (client: Client, projectId: string) =>
  queryOptions({
    queryKey: ['floating-ips', projectId],
    queryFn: () => listFloatingIps(client, projectId),
    refetchInterval: RESTING_MS,
  })

export const rulesQuery = (client: Client, groupId: string) =>
  queryOptions({ queryKey: ['rules', groupId], queryFn: () => listRules(client, groupId) })
