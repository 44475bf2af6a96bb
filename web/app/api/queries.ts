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
import { listNetworks, listSecurityGroups } from '#app/api/network.ts'
import { showVolumeLimits } from '#app/api/volume.ts'

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
  queryOptions({ queryKey: ['images'], queryFn: () => listImages(client), staleTime: STALE_MS })

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
