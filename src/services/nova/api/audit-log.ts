// The log of usage audits over HTTP.
import { handlers, type HandlerTable } from '#kernel/http/handlers.ts'
import { auditLog } from '#services/nova/contract/audit-log.ts'
import type { AuditLog, AuditPeriod } from '#services/nova/domain/audit-log.ts'

const text = (ms: number): string => new Date(ms).toISOString().slice(0, 19).replace('T', ' ')
const body = ({ begin, end, hostsNotRun }: AuditPeriod): object => ({
  period_beginning: text(begin),
  period_ending: text(end),
  num_hosts: hostsNotRun.length,
  num_hosts_done: 0,
  num_hosts_running: 0,
  num_hosts_not_run: hostsNotRun.length,
  hosts_not_run: [...hostsNotRun],
  total_instances: 0,
  total_errors: 0,
  overall_status: `${hostsNotRun.length === 0 ? 'ALL' : `0 of ${hostsNotRun.length}`} hosts done. 0 errors.`,
  log: {},
})

export const auditLogHandlers = (domain: AuditLog): HandlerTable =>
  handlers(auditLog, {
    list: async call => ({ instance_usage_audit_logs: body(await domain.show(call.ctx, null)) }),
    show: async call => ({ instance_usage_audit_log: body(await domain.show(call.ctx, call.params.before)) }),
  })
