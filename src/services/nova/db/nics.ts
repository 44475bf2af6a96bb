// What Nova remembers of servers' wires.
import type { Kysely, Selectable } from 'kysely'

import { flag, fromJson, isSet, json } from '#kernel/db/codecs.ts'
import { inChunks } from '#kernel/db/helpers.ts'
import type { NovaTables } from '#services/nova/db/tables.ts'
import type { NicRecord } from '#services/nova/rpc.ts'

const fromRow = (row: Selectable<NovaTables['server_nics']>): NicRecord => ({
  portId: row.port_id,
  networkId: row.network_id,
  networkLabel: row.network_label,
  mac: row.mac,
  mtu: row.mtu,
  tap: row.tap,
  ours: isSet(row.ours),
  tag: row.tag,
  addresses: fromJson(row.addresses),
  vifType: row.vif_type,
})

export const nicsDb = (q: Kysely<NovaTables>) => ({
  async of(serverId: string): Promise<NicRecord[]> {
    const rows = await q
      .selectFrom('server_nics')
      .selectAll()
      .where('server_id', '=', serverId)
      .orderBy('position')
      .execute()
    return rows.map(fromRow)
  },
  /** For lists: wires by server. */
  async ofAll(serverIds: readonly string[]): Promise<Map<string, NicRecord[]>> {
    const rows = await inChunks(serverIds, some =>
      q
        .selectFrom('server_nics')
        .selectAll()
        .where('server_id', 'in', [...some])
        .orderBy('server_id')
        .orderBy('position')
        .execute(),
    )
    const found = new Map<string, NicRecord[]>()
    for (const row of rows) {
      const list = found.get(row.server_id)
      if (list === undefined) found.set(row.server_id, [fromRow(row)])
      else list.push(fromRow(row))
    }
    return found
  },
  async serverOfPort(portId: string): Promise<string | undefined> {
    return (await q.selectFrom('server_nics').select('server_id').where('port_id', '=', portId).executeTakeFirst())
      ?.server_id
  },
  /** Replaces all wires of a server. */
  async replace(serverId: string, nics: readonly NicRecord[]): Promise<void> {
    await q.deleteFrom('server_nics').where('server_id', '=', serverId).execute()
    if (nics.length === 0) return
    await q
      .insertInto('server_nics')
      .values(
        nics.map((nic, position) => ({
          server_id: serverId,
          port_id: nic.portId,
          position,
          network_id: nic.networkId,
          network_label: nic.networkLabel,
          mac: nic.mac,
          mtu: nic.mtu,
          tap: nic.tap,
          ours: flag(nic.ours),
          tag: nic.tag,
          addresses: json([...nic.addresses]),
          vif_type: nic.vifType,
        })),
      )
      .execute()
  },
  async forget(serverId: string, portId: string): Promise<void> {
    await q.deleteFrom('server_nics').where('server_id', '=', serverId).where('port_id', '=', portId).execute()
  },
})
