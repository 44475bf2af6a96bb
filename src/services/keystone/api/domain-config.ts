// Settings of domains over HTTP.
import { handlers, type HandlerTable } from '#kernel/http/handlers.ts'
import { domainConfig } from '#services/keystone/contract/domain-config.ts'
import type { DomainConfig } from '#services/keystone/domain/domain-config.ts'

export const domainConfigHandlers = (verbs: DomainConfig): HandlerTable =>
  handlers(domainConfig, {
    defaults: call => ({ config: verbs.defaults(call.ctx, {}) }),
    groupDefaults: call => ({ config: verbs.defaults(call.ctx, call.params) }),
    optionDefault: call => ({ config: verbs.defaults(call.ctx, call.params) }),
    create: async call => ({ config: await verbs.create(call.ctx, call.params.domain_id, call.body.config) }),
    show: async call => ({ config: await verbs.find(call.ctx, call.params.domain_id, {}) }),
    showGroup: async call => ({ config: await verbs.find(call.ctx, call.params.domain_id, call.params) }),
    showOption: async call => ({ config: await verbs.find(call.ctx, call.params.domain_id, call.params) }),
    update: async call => ({ config: await verbs.update(call.ctx, call.params.domain_id, call.body.config, {}) }),
    updateGroup: async call => ({
      config: await verbs.update(call.ctx, call.params.domain_id, call.body.config, call.params),
    }),
    updateOption: async call => ({
      config: await verbs.update(call.ctx, call.params.domain_id, call.body.config, call.params),
    }),
    remove: call => verbs.remove(call.ctx, call.params.domain_id, {}),
    removeGroup: call => verbs.remove(call.ctx, call.params.domain_id, call.params),
    removeOption: call => verbs.remove(call.ctx, call.params.domain_id, call.params),
  })
