// OAuth 1: a program asks, somebody authorises, the program gets an access token and logs in with it. What a user gave away is his to see.
import { del, get, post, put } from '#kernel/contract/route.ts'
import { may, must, object } from '#kernel/contract/shape.ts'
import { list } from '#kernel/contract/shapes.ts'
import { faults } from '#services/keystone/contract/faults.ts'
import { rules } from '#services/keystone/contract/rules.ts'
import { anyQuery, idText, longName, open } from '#services/keystone/contract/shapes.ts'

const ROOT = '/v3/OS-OAUTH1'
const of = '/v3/users/{user_id}/OS-OAUTH1/access_tokens'
const one = [faults.NotFound]

export const oauth = {
  requestToken: post(`${ROOT}/request_token`, {
    policy: 'public',
    query: anyQuery,
    faults: [faults.Expecting, faults.ProjectNotFound, faults.ConsumerNotFound, faults.Unproved],
  }),
  authorize: put(`${ROOT}/authorize/{request_token_id}`, {
    policy: rules.authorizeRequestToken,
    body: object(
      {
        roles: must(
          list(object({ id: may(idText), name: may(longName) }, { minProperties: 1, maxProperties: 1 }), { max: 100 }),
        ),
      },
      open,
    ),
    faults: [faults.NotFound, faults.Unproved, faults.Denied, faults.RoleNotFound],
  }),
  accessToken: post(`${ROOT}/access_token`, {
    policy: 'public',
    query: anyQuery,
    faults: [faults.Expecting, faults.NotFound, faults.Unproved],
  }),
  list: get(of, { policy: rules.listAccessTokens }),
  show: get(`${of}/{access_token_id}`, { policy: rules.getAccessToken, faults: one }),
  remove: del(`${of}/{access_token_id}`, { policy: rules.deleteAccessToken, faults: one }),
  roles: get(`${of}/{access_token_id}/roles`, { policy: rules.listAccessTokenRoles, faults: one }),
  role: get(`${of}/{access_token_id}/roles/{role_id}`, { policy: rules.getAccessTokenRole, faults: one }),
}
