// What hosts say is really so, written down: status of ports and floating IPs. A guest's port that came alive or died is news for Nova.
import { inChunks } from '#kernel/db/helpers.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import type { Q } from '#services/neutron/db/standard.ts'
import { isCompute } from '#services/neutron/domain/owners.ts'
import type { WiringModel } from '#services/neutron/domain/wiring-model.ts'
import { updateTrunks } from '#services/neutron/domain/trunk-binding.ts'
import type { DomainTools, NovaNews } from '#services/neutron/domain/tools.ts'
import type { Wired } from '#services/neutron/drivers/mechanism.ts'
import type { WiredReport } from '#services/neutron/rpc.ts'

const statusOf = (wired: Wired): 'ACTIVE' | 'DOWN' => (wired === 'up' ? 'ACTIVE' : 'DOWN')

/** Guests' ports of this host only: a port that moved away meanwhile is another host's. */
async function guests(q: Q, host: string, ports: WiredReport['ports']): Promise<NovaNews[]> {
  const rows = await inChunks(Object.keys(ports), some =>
    q
      .selectFrom('ports')
      .select(['id', 'status', 'device_id', 'device_owner'])
      .where('id', 'in', some)
      .where('host_id', '=', host)
      .execute(),
  )
  const news: NovaNews[] = []
  const changed = { ACTIVE: [] as string[], DOWN: [] as string[] }
  for (const row of rows) {
    const wired = ports[row.id]
    if (wired === undefined) continue
    const status = statusOf(wired)
    const failed = typeof wired === 'object'
    if (row.status !== status) changed[status].push(row.id)
    if (!isCompute(row.device_owner) || row.device_id === '') continue
    const told = { serverId: row.device_id, portId: row.id }
    if (status === 'ACTIVE' && row.status !== status) news.push({ event: 'network-vif-plugged', ...told })
    else if (failed) news.push({ event: 'network-vif-plugged', failed: true, ...told })
    else if (row.status === 'ACTIVE' && status === 'DOWN') news.push({ event: 'network-vif-unplugged', ...told })
  }
  for (const status of ['ACTIVE', 'DOWN'] as const) await setStatus(q, changed[status], status)
  return news
}
async function setStatus(q: Q, ids: readonly string[], status: string): Promise<void> {
  await inChunks(ids, async some => {
    await q.updateTable('ports').set({ status }).where('id', 'in', some).execute()
    return []
  })
}

/** Ports of Neutron's own follow what they belong to; floating IPs follow their router. */
async function own(q: Q, model: WiringModel, report: WiredReport): Promise<void> {
  const ids = { ACTIVE: [] as string[], DOWN: [] as string[] }
  const routers = { ACTIVE: [] as string[], DOWN: [] as string[] }
  for (const [id, wired] of Object.entries(report.networks)) {
    const port = model.dhcpPortOf(id)
    if (port !== undefined) ids[statusOf(wired)].push(port.port.id)
  }
  for (const [id, wired] of Object.entries(report.routers)) {
    ids[statusOf(wired)].push(...(model.routers.get(id)?.portIds ?? []))
    routers[statusOf(wired)].push(id)
  }
  for (const status of ['ACTIVE', 'DOWN'] as const) {
    await setStatus(q, ids[status], status)
    await inChunks(routers[status], async some => {
      await q
        .updateTable('floatingips')
        .set({ status })
        .where('router_id', 'in', some)
        .where('status', '!=', status)
        .execute()
      return []
    })
  }
}

/** Writes a host's report down; returns the ports that are up now. */
export async function record(
  ctx: Ctx,
  tools: Pick<DomainTools, 'database' | 'nova' | 'log'>,
  model: WiringModel,
  host: string,
  report: WiredReport,
): Promise<void> {
  const failures = [
    ...Object.entries(report.ports),
    ...Object.entries(report.networks),
    ...Object.entries(report.routers),
  ]
  for (const [id, wired] of failures)
    if (typeof wired === 'object') tools.log.warn(ctx, `${host} could not wire ${id}`, { why: wired.failed })
  if (failures.length === 0) return
  const news = await tools.database.tx(ctx, 'record-wiring', async q => {
    await own(q, model, report)
    const told = await guests(q, host, report.ports)
    await updateTrunks(q, Object.keys(report.ports))
    return told
  })
  tools.nova.tell(news)
}
