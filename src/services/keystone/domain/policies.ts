// Policy files kept for other programs, as data; nothing here obeys them.
import type { Rule } from '#kernel/contract/rule.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { faults } from '#services/keystone/contract/faults.ts'
import { rules } from '#services/keystone/contract/rules.ts'
import {
  findPolicy,
  insertPolicy,
  listPolicies,
  removePolicy,
  updatePolicy,
  type PolicyEntity,
} from '#services/keystone/db/credentials.ts'
import type { ListQuery } from '#services/keystone/db/filters.ts'
import type { Query } from '#services/keystone/db/ledger.ts'
import type { Extra } from '#services/keystone/db/tables.ts'
import { mergeExtras } from '#services/keystone/domain/common.ts'
import { enforce, type DomainTools } from '#services/keystone/domain/tools.ts'

export interface PolicyWish {
  readonly type?: string | undefined
  readonly blob?: string | undefined
  readonly extra: Extra
}
export interface Policies {
  list(ctx: Ctx, list: ListQuery): Promise<PolicyEntity[]>
  find(ctx: Ctx, id: string): Promise<PolicyEntity>
  create(ctx: Ctx, wish: PolicyWish): Promise<PolicyEntity>
  update(ctx: Ctx, id: string, wish: PolicyWish): Promise<PolicyEntity>
  remove(ctx: Ctx, id: string): Promise<void>
}

export function createPolicies(tools: DomainTools): Policies {
  const { ledger, ids } = tools
  const load = async (ctx: Ctx, q: Query, id: string, rule: Rule): Promise<PolicyEntity> => {
    enforce(tools, ctx, rule, {})
    const policy = await findPolicy(q, id)
    if (policy === null) throw faults.PolicyNotFound({ id })
    return policy
  }
  return {
    list: (ctx, list) => {
      enforce(tools, ctx, rules.listPolicies, {})
      return ledger.read(ctx, 'list-policies', q => listPolicies(q, list))
    },
    find: (ctx, id) => ledger.read(ctx, 'find-policy', q => load(ctx, q, id, rules.getPolicy)),
    create: (ctx, wish) =>
      ledger.note(ctx, 'create-policy', async q => {
        enforce(tools, ctx, rules.createPolicy, {})
        const policy: PolicyEntity = {
          id: ids.hex(),
          type: wish.type ?? '',
          blob: wish.blob ?? '',
          extra: mergeExtras({}, wish.extra),
        }
        await insertPolicy(q, policy)
        return policy
      }),
    update: (ctx, id, wish) =>
      ledger.note(ctx, 'update-policy', async q => {
        const old = await load(ctx, q, id, rules.updatePolicy)
        const policy: PolicyEntity = {
          ...old,
          type: wish.type ?? old.type,
          blob: wish.blob ?? old.blob,
          extra: mergeExtras(old.extra, wish.extra),
        }
        await updatePolicy(q, policy)
        return policy
      }),
    async remove(ctx, id) {
      await ledger.note(ctx, 'remove-policy', async q => {
        await load(ctx, q, id, rules.deletePolicy)
        await removePolicy(q, id)
      })
    },
  }
}
