// Tags: handlers, one table for each noun that has them.
import { handlers, type HandlerTable } from '#kernel/http/handlers.ts'
import { taggable, tagRoutes, type Taggable } from '#services/neutron/contract/tags.ts'
import type { Tags } from '#services/neutron/domain/tags.ts'

const tableFor = (domain: Tags, kind: Taggable, path: string): HandlerTable =>
  handlers(tagRoutes(path, taggable[kind]), {
    list: async call => ({ tags: await domain.list(call.ctx, kind, call.params.id) }),
    show: call => domain.show(call.ctx, kind, call.params.id, call.params.tag),
    add: async call => ({ tags: await domain.put(call.ctx, kind, call.params.id, call.body.tags, 'create') }),
    replace: async call => ({ tags: await domain.put(call.ctx, kind, call.params.id, call.body.tags, 'replace') }),
    put: async call => void (await domain.put(call.ctx, kind, call.params.id, [call.params.tag], 'add')),
    clear: call => domain.remove(call.ctx, kind, call.params.id, null),
    remove: call => domain.remove(call.ctx, kind, call.params.id, call.params.tag),
  })

export const tagHandlers = (domain: Tags): HandlerTable[] => [
  ...(Object.keys(taggable) as Taggable[]).map(kind => tableFor(domain, kind, kind)),
  tableFor(domain, 'security-groups', 'security_groups'),
]
