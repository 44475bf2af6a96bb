// Trusts: one user lets another act on a project with some of his roles.
import { del, get, post } from '#kernel/contract/route.ts'
import { may, must, object } from '#kernel/contract/shape.ts'
import { bool, int, list, nullable, text } from '#kernel/contract/shapes.ts'
import { faults } from '#services/keystone/contract/faults.ts'
import { rules } from '#services/keystone/contract/rules.ts'
import { listQueryShape, open } from '#services/keystone/contract/shapes.ts'

export const trusts = {
  list: get('/v3/OS-TRUST/trusts', { policy: rules.listTrusts, judged: 'domain', query: listQueryShape }),
  create: post('/v3/OS-TRUST/trusts', {
    policy: rules.createTrust,
    body: object({
      trust: must(
        object(
          {
            trustor_user_id: must(text({ max: 64 })),
            trustee_user_id: must(text({ max: 64 })),
            impersonation: must(bool),
            project_id: may(nullable(text({ max: 64 }))),
            remaining_uses: may(nullable(int({ min: 1, max: 2_147_483_647 }))),
            expires_at: may(nullable(text())),
            allow_redelegation: may(bool),
            redelegation_count: may(nullable(int({ min: 0, max: 1000 }))),
            roles: may(list(object({ id: may(text({ max: 64 })), name: may(text({ max: 255 })) }, open), { max: 100 })),
          },
          open,
        ),
      ),
    }),
    faults: [
      faults.UserNotFound,
      faults.RoleNotFound,
      faults.ForbiddenAction,
      faults.Forbidden,
      faults.ValidationError,
    ],
  }),
  show: get('/v3/OS-TRUST/trusts/{trust_id}', {
    policy: rules.getTrust,
    judged: 'domain',
    faults: [faults.TrustNotFound],
  }),
  remove: del('/v3/OS-TRUST/trusts/{trust_id}', { policy: rules.deleteTrust, faults: [faults.TrustNotFound] }),
  roles: get('/v3/OS-TRUST/trusts/{trust_id}/roles', {
    policy: rules.listRolesForTrust,
    judged: 'domain',
    faults: [faults.TrustNotFound],
  }),
  role: get('/v3/OS-TRUST/trusts/{trust_id}/roles/{role_id}', {
    policy: rules.getRoleForTrust,
    judged: 'domain',
    faults: [faults.TrustNotFound, faults.RoleNotFound],
  }),
}
