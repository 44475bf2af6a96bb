// Quotas and limits over HTTP.
import { handlers, type HandlerTable } from '#kernel/http/handlers.ts'
import { quotas } from '#services/cinder/contract/quotas.ts'
import { rules } from '#services/cinder/contract/rules.ts'
import { boolOf, lastOf } from '#services/cinder/api/listing.ts'
import type { QuotaSetsDomain } from '#services/cinder/domain/quota-sets.ts'
import type { QuotaSet } from '#services/cinder/domain/quotas.ts'

const limitsOf = (set: QuotaSet): Record<string, number> =>
  Object.fromEntries([...set].map(([resource, entry]) => [resource, entry.limit]))
const usageOf = (set: QuotaSet): Record<string, object> =>
  Object.fromEntries(
    [...set].map(([resource, entry]) => [
      resource,
      { limit: entry.limit, in_use: entry.inUse, reserved: 0, allocated: 0 },
    ]),
  )
const ABSOLUTE: Readonly<Record<string, string>> = {
  maxTotalVolumes: 'volumes',
  maxTotalSnapshots: 'snapshots',
  maxTotalVolumeGigabytes: 'gigabytes',
  maxTotalBackups: 'backups',
  maxTotalBackupGigabytes: 'backup_gigabytes',
}
const USED: Readonly<Record<string, string>> = {
  totalVolumesUsed: 'volumes',
  totalGigabytesUsed: 'gigabytes',
  totalSnapshotsUsed: 'snapshots',
  totalBackupsUsed: 'backups',
  totalBackupGigabytesUsed: 'backup_gigabytes',
}

export function quotaHandlers(domain: QuotaSetsDomain): HandlerTable {
  return handlers(quotas, {
    show: async call => {
      const { project_id } = call.params
      const set = await domain.show(call.ctx, project_id)
      const usage = boolOf(lastOf(call.query), 'usage')
      return { quota_set: { ...(usage ? usageOf(set) : limitsOf(set)), id: project_id } }
    },
    defaults: async call => {
      const { project_id } = call.params
      return { quota_set: { ...limitsOf(await domain.defaults(call.ctx, project_id)), id: project_id } }
    },
    update: async call => ({
      quota_set: limitsOf(await domain.update(call.ctx, call.params.project_id, call.body.quota_set)),
    }),
    remove: call => domain.remove(call.ctx, call.params.project_id),
    showClass: async call => ({
      quota_class_set: { ...limitsOf(await domain.showClass(call.ctx, call.params.name)), id: call.params.name },
    }),
    updateClass: async call => ({
      quota_class_set: limitsOf(await domain.updateClass(call.ctx, call.params.name, call.body.quota_class_set)),
    }),
    limits: async call => {
      const query = lastOf(call.query)
      const wanted = call.has('otherProjects') ? (query['project_id'] ?? query['tenant_id'] ?? null) : null
      const set = await domain.limits(call.ctx, wanted)
      const absolute: Record<string, number> = {}
      for (const [name, resource] of Object.entries(ABSOLUTE)) absolute[name] = set.get(resource)?.limit ?? -1
      if (call.allows(rules.limitsExtensionUsedLimits, { project_id: call.ctx.who?.projectId ?? '' }))
        for (const [name, resource] of Object.entries(USED)) absolute[name] = set.get(resource)?.inUse ?? 0
      return { limits: { rate: [], absolute } }
    },
  })
}
