// Trusts over HTTP.
import { isoMicrosZ } from '#kernel/lib/clock.ts'
import { handlers, type Call, type HandlerTable } from '#kernel/http/handlers.ts'
import { collection, queryText, selfLink } from '#services/keystone/api/lists.ts'
import { showRole } from '#services/keystone/api/show.ts'
import { faults } from '#services/keystone/contract/faults.ts'
import { rules } from '#services/keystone/contract/rules.ts'
import { trusts } from '#services/keystone/contract/trusts.ts'
import type { RoleEntity } from '#services/keystone/db/roles.ts'
import type { TrustEntity } from '#services/keystone/db/trusts.ts'
import type { Trusts, TrustWithRoles } from '#services/keystone/domain/trusts.ts'

type Base = Pick<Call, 'base'>
const time = (ms: number | null): string | null => (ms === null ? null : isoMicrosZ(ms))
const wire = (call: Base, trust: TrustEntity): Record<string, unknown> => ({
  id: trust.id,
  trustor_user_id: trust.trustorId,
  trustee_user_id: trust.trusteeId,
  project_id: trust.projectId,
  impersonation: trust.impersonation,
  remaining_uses: trust.remainingUses,
  redelegated_trust_id: trust.redelegatedTrustId,
  redelegation_count: trust.redelegationCount,
  expires_at: trust.expiresAt === null ? null : `${trust.expiresAt.text}Z`,
  deleted_at: time(trust.deletedAt),
  links: { self: `${call.base}/v3/OS-TRUST/trusts/${trust.id}` },
})
const role = (call: Base, it: RoleEntity): object => showRole(it, selfLink(call, 'roles', it.id))
const whole = (call: Base, { trust, roles }: TrustWithRoles): object => ({
  ...wire(call, trust),
  roles: roles.map(it => role(call, it)),
  roles_links: { self: `${call.base}/v3/OS-TRUST/trusts/${trust.id}/roles`, next: null, previous: null },
})

export const trustHandlers = (verbs: Trusts): HandlerTable =>
  handlers(trusts, {
    list: async call => {
      const rows = await verbs.list(call.ctx, {
        trustorId: queryText(call.query, 'trustor_user_id'),
        trusteeId: queryText(call.query, 'trustee_user_id'),
      })
      return collection(call, 'trusts', rows, row => wire(call, row))
    },
    create: async call => {
      const wish = call.body.trust
      const made = await verbs.create(call.ctx, {
        trustorId: wish.trustor_user_id,
        trusteeId: wish.trustee_user_id,
        impersonation: wish.impersonation,
        projectId: wish.project_id,
        remainingUses: wish.remaining_uses,
        expiresAt: wish.expires_at,
        allowRedelegation: wish.allow_redelegation,
        redelegationCount: wish.redelegation_count,
        roles: wish.roles,
      })
      return { trust: whole(call, made) }
    },
    show: async call => ({ trust: whole(call, await verbs.find(call.ctx, call.params.trust_id)) }),
    remove: call => verbs.remove(call.ctx, call.params.trust_id),
    roles: async call => {
      const { roles } = await verbs.find(call.ctx, call.params.trust_id, rules.listRolesForTrust)
      return collection(call, 'roles', roles, it => role(call, it))
    },
    role: async call => {
      const { roles } = await verbs.find(call.ctx, call.params.trust_id, rules.getRoleForTrust)
      const found = roles.find(it => it.id === call.params.role_id)
      if (found === undefined) throw faults.RoleNotFound({ id: call.params.role_id })
      return { role: role(call, found) }
    },
  })
