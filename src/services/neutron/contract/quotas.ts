// Quotas: how much of each noun a project may have.
import { del, get, put } from '#kernel/contract/route.ts'
import { may, must, object } from '#kernel/contract/shape.ts'
import { intLike, raw } from '#kernel/contract/shapes.ts'
import { rules } from '#services/neutron/contract/rules.ts'

export const quotaResources = [
  'network',
  'subnet',
  'subnetpool',
  'port',
  'router',
  'floatingip',
  'rbac_policy',
  'security_group',
  'security_group_rule',
] as const
export type QuotaResource = (typeof quotaResources)[number]

const limit = intLike({ min: -1, max: 2_147_483_647 })
const limits = object(
  Object.fromEntries(quotaResources.map(resource => [resource, may(limit)])) as Record<
    QuotaResource,
    ReturnType<typeof may<number>>
  >,
)
const judged = 'domain' as const
const anything = raw<Record<string, unknown>>({ type: 'object' })

export const quotas = {
  list: get('/v2.0/quotas', { policy: rules.getQuota, judged, reply: anything }),
  tenant: get('/v2.0/quotas/tenant', { policy: 'authenticated', reply: anything }),
  project: get('/v2.0/quotas/project', { policy: 'authenticated', reply: anything }),
  show: get('/v2.0/quotas/{project}', { policy: rules.getQuota, judged, reply: anything }),
  defaults: get('/v2.0/quotas/{project}/default', { policy: rules.getQuota, judged, reply: anything }),
  details: get('/v2.0/quotas/{project}/details', { policy: rules.getQuota, judged, reply: anything }),
  update: put('/v2.0/quotas/{project}', {
    policy: rules.updateQuota,
    judged,
    body: object({ quota: must(limits) }, { extra: true }),
  }),
  remove: del('/v2.0/quotas/{project}', { policy: rules.deleteQuota, judged }),
}
