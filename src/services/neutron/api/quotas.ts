// Quotas: handlers.
import { handlers, type HandlerTable } from '#kernel/http/handlers.ts'
import { quotas } from '#services/neutron/contract/quotas.ts'
import type { Quotas } from '#services/neutron/domain/quotas.ts'

export const quotaHandlers = (domain: Quotas): HandlerTable =>
  handlers(quotas, {
    list: async call => ({
      quotas: (await domain.list(call.ctx)).map(one => ({
        ...one.limits,
        project_id: one.projectId,
        tenant_id: one.projectId,
      })),
    }),
    // compat: old clients ask which project they are in.
    tenant: call => ({ tenant: { tenant_id: call.who.projectId } }),
    project: call => ({ project: { project_id: call.who.projectId } }),
    show: async call => ({
      quota: { ...(await domain.show(call.ctx, call.params.project)), project_id: call.params.project },
    }),
    defaults: call => ({
      quota: { ...domain.defaults(call.ctx, call.params.project), project_id: call.params.project },
    }),
    details: async call => ({ quota: await domain.details(call.ctx, call.params.project) }),
    update: async call => ({ quota: await domain.update(call.ctx, call.params.project, call.body.quota) }),
    remove: call => domain.reset(call.ctx, call.params.project),
  })
