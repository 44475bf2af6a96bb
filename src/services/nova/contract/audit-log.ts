// The log of usage audits: how far hosts got in reporting what their servers used in the last full month.
import { get } from '#kernel/contract/route.ts'
import { faults } from '#services/nova/contract/faults.ts'
import { rules } from '#services/nova/contract/rules.ts'

export const auditLog = {
  list: get('/v2.1/os-instance_usage_audit_log', { policy: rules.instanceUsageAuditLogList }),
  show: get('/v2.1/os-instance_usage_audit_log/{before}', {
    policy: rules.instanceUsageAuditLogShow,
    faults: [faults.BadRequest],
  }),
}
