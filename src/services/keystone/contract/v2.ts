// Identity v2.0 for programs that never learned of domains: log in, and see one's tenants. All of it is about the domain Default.
import { get, post } from '#kernel/contract/route.ts'
import { may, must, object } from '#kernel/contract/shape.ts'
import { text } from '#kernel/contract/shapes.ts'
import { faults } from '#services/keystone/contract/faults.ts'
import { rules } from '#services/keystone/contract/rules.ts'
import { anyQuery, open } from '#services/keystone/contract/shapes.ts'

export const v2 = {
  version: get('/v2.0', { policy: 'public' }),
  logIn: post('/v2.0/tokens', {
    policy: 'public',
    status: 200,
    body: object(
      {
        auth: must(
          object(
            {
              passwordCredentials: may(
                object({ username: may(text()), userId: may(text()), password: must(text()) }, open),
              ),
              token: may(object({ id: must(text()) }, open)),
              tenantName: may(text()),
              tenantId: may(text()),
            },
            open,
          ),
        ),
      },
      open,
    ),
    faults: [faults.Unauthorized, faults.Expecting],
  }),
  tenants: get('/v2.0/tenants', { policy: rules.getAuthProjects, query: anyQuery }),
}
