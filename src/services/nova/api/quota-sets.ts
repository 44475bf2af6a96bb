// Quotas and limits over HTTP.
import { fieldAt, type AnyField, type Shape } from '#kernel/contract/shape.ts'
import type { VersionNumber } from '#kernel/contract/version.ts'
import { handlers, type HandlerTable } from '#kernel/http/handlers.ts'
import { presenter } from '#kernel/http/presenter.ts'
import { AbsoluteLimits, limits } from '#services/nova/contract/limits.ts'
import { QuotaClassView, QuotaDetailView, quotaSets, QuotaSetView } from '#services/nova/contract/quota-sets.ts'
import type { SetLimits } from '#services/nova/db/quota-sets.ts'
import type { Quotas, QuotaSets } from '#services/nova/domain/quota-sets.ts'
import { rules } from '#services/nova/contract/rules.ts'

/** The rows of a view that exist at a version, in its order. */
const cut = <V>(
  view: Shape<unknown>,
  at: VersionNumber,
  id: string | null,
  rows: Readonly<Record<string, V>>,
): Record<string, V | string> => {
  const out: Record<string, V | string> = id === null ? {} : { id }
  for (const [name, field] of Object.entries(view.fields ?? {}) as [string, AnyField][]) {
    const value = rows[name]
    if (value !== undefined && fieldAt(field, at)) out[name] = value
  }
  return out
}
const numbers = (quotas: Quotas): SetLimits =>
  Object.fromEntries(Object.entries(quotas).map(([name, { limit }]) => [name, limit]))
const wantedOf = (body: Readonly<Record<string, unknown>>): SetLimits =>
  Object.fromEntries(Object.entries(body).filter((row): row is [string, number] => typeof row[1] === 'number'))

const absolute = presenter<Quotas>()(AbsoluteLimits, {
  maxTotalRAMSize: q => q['ram']?.limit,
  maxTotalInstances: q => q['instances']?.limit,
  maxTotalCores: q => q['cores']?.limit,
  maxTotalKeypairs: q => q['key_pairs']?.limit,
  maxTotalFloatingIps: q => q['floating_ips']?.limit,
  maxServerMeta: q => q['metadata_items']?.limit,
  maxImageMeta: q => q['metadata_items']?.limit,
  maxPersonality: q => q['injected_files']?.limit,
  maxPersonalitySize: q => q['injected_file_content_bytes']?.limit,
  maxSecurityGroups: q => q['security_groups']?.limit,
  maxSecurityGroupRules: q => q['security_group_rules']?.limit,
  maxServerGroups: q => q['server_groups']?.limit,
  maxServerGroupMembers: q => q['server_group_members']?.limit,
  totalRAMUsed: q => q['ram']?.inUse,
  totalCoresUsed: q => q['cores']?.inUse,
  totalInstancesUsed: q => q['instances']?.inUse,
  totalFloatingIpsUsed: () => 0,
  totalSecurityGroupsUsed: () => 0,
  totalServerGroupsUsed: q => q['server_groups']?.inUse,
})

export function quotaHandlers(domain: QuotaSets): HandlerTable[] {
  return [
    handlers(limits, {
      show: async call => {
        const found = await domain.limits(call.ctx, call.query.tenant_id?.at(-1) ?? null)
        return { limits: { rate: [], absolute: await call.show(absolute, found) } }
      },
    }),
    handlers(quotaSets, {
      show: async call => {
        const found = await domain.show(call.ctx, call.params.project, call.query.user_id?.[0] ?? null)
        return { quota_set: cut(QuotaSetView, call.at, call.params.project, numbers(found)) }
      },
      detail: async call => {
        const user = call.query.user_id?.at(-1) ?? null
        const found = await domain.show(call.ctx, call.params.project, user, rules.quotaSetsDetail)
        const rows = Object.fromEntries(
          Object.entries(found).map(([name, { limit, inUse }]) => [name, { limit, in_use: inUse, reserved: 0 }]),
        )
        return { quota_set: cut<object>(QuotaDetailView, call.at, call.params.project, rows) }
      },
      defaults: async call => ({
        quota_set: cut(
          QuotaSetView,
          call.at,
          call.params.project,
          await domain.defaults(call.ctx, call.params.project),
        ),
      }),
      update: async call => {
        const { force, ...rest } = call.body.quota_set
        const user = call.query.user_id?.[0] ?? null
        const wanted = wantedOf(rest)
        const found = await domain.update(call.ctx, call.params.project, user, wanted, force === true)
        return { quota_set: cut(QuotaSetView, call.at, null, numbers(found)) }
      },
      remove: call => domain.remove(call.ctx, call.params.project, call.query.user_id?.[0] ?? null),

      showClass: async call => ({
        quota_class_set: cut(
          QuotaClassView,
          call.at,
          call.params.name,
          await domain.showClass(call.ctx, call.params.name),
        ),
      }),
      updateClass: async call => {
        const wanted = wantedOf(call.body.quota_class_set)
        const found = await domain.updateClass(call.ctx, call.params.name, wanted)
        return { quota_class_set: cut(QuotaClassView, call.at, null, found) }
      },
    }),
  ]
}
