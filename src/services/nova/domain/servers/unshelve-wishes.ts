// Where a server may go when it comes from the shelf. Resolved from rows before anything is written.
import type { Kysely } from 'kysely'

import { faults } from '#services/nova/contract/faults.ts'
import type { Server } from '#services/nova/db/servers.ts'
import type { NovaTables } from '#services/nova/db/tables.ts'
import { groupAround } from '#services/nova/domain/conductor/groups.ts'
import { hostStates } from '#services/nova/domain/conductor/host-states.ts'
import { hostsOfHints, zoneOf } from '#services/nova/domain/servers/placement-wishes.ts'
import type { RequestSpec } from '#services/nova/rpc.ts'

export interface UnshelveWish {
  /** Undefined: where it was pinned before; null: pinned no more. */
  readonly zone: string | null | undefined
  readonly host: string | null
}

/** Throws 400 for a zone or a host that is not there, 409 for a host outside the zone. */
export async function unshelvingSpec(
  q: Kysely<NovaTables>,
  server: Server,
  onVolume: boolean,
  wish: UnshelveWish,
): Promise<{ spec: RequestSpec; zone: string | null }> {
  if (typeof wish.zone === 'string') {
    if (wish.zone.includes(':')) throw faults.BadRequest({ reason: 'The requested availability zone is not available' })
    await zoneOf(q, wish.zone)
  }
  const zone = wish.zone === undefined ? server.pinnedAvailabilityZone : wish.zone
  if (wish.host !== null) {
    const [state] = await hostStates(q, [wish.host], 0, 0)
    if (state === undefined) throw faults.BadRequest({ reason: `Compute host ${wish.host} could not be found.` })
    if (zone !== null && state.availabilityZone !== zone)
      throw faults.Conflict({ reason: `Host "${wish.host}" is not in the availability zone "${zone}".` })
  }
  const group = await groupAround(q, server.id)
  return {
    zone,
    spec: {
      serverId: server.id,
      projectId: server.projectId,
      flavor: server.flavor,
      imageProperties: server.imageProperties,
      bootFromVolume: onVolume,
      availabilityZone: zone,
      requestedHost: wish.host,
      hints: { ...server.schedulerHints, ...(await hostsOfHints(q, server.schedulerHints)) },
      ignoreHosts: [],
      group: group === null ? null : { policy: group.policy, maxPerHost: group.maxPerHost, hosts: group.hosts },
    },
  }
}
