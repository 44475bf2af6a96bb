// Application credentials: a user lends some of his roles on one project to a program, with a secret of its own.
import { del, get, post } from '#kernel/contract/route.ts'
import { may, must, object } from '#kernel/contract/shape.ts'
import { bool, list, nullable, text, words } from '#kernel/contract/shapes.ts'
import { faults } from '#services/keystone/contract/faults.ts'
import { rules } from '#services/keystone/contract/rules.ts'
import {
  freeText,
  idText,
  Links,
  ListLinks,
  listQueryShape,
  longName,
  open,
} from '#services/keystone/contract/shapes.ts'

const AccessRule = object({
  id: may(idText),
  path: may(text({ max: 225, pattern: '^/\\.*' })),
  service: may(idText),
  method: may(words('DELETE', 'GET', 'HEAD', 'PATCH', 'POST', 'PUT')),
})
export const ApplicationCredential = object(
  {
    id: must(text()),
    name: must(text()),
    description: must(nullable(text())),
    project_id: must(text()),
    user_id: must(text()),
    roles: must(list(object({ id: must(text()), name: must(text()) }, open))),
    expires_at: must(nullable(text())),
    unrestricted: must(bool),
    /** Only in the answer to the making of it. */
    secret: may(text()),
    links: must(Links),
  },
  open,
)

export const applicationCredentials = {
  list: get('/v3/users/{user_id}/application_credentials', {
    policy: rules.listApplicationCredentials,
    judged: 'domain',
    query: listQueryShape,
    reply: object({ application_credentials: must(list(ApplicationCredential)), links: must(ListLinks) }, open),
  }),
  create: post('/v3/users/{user_id}/application_credentials', {
    policy: rules.createApplicationCredential,
    body: object({
      application_credential: must(
        object(
          {
            name: must(longName),
            description: may(freeText),
            secret: may(nullable(text({ max: 255 }))),
            expires_at: may(nullable(text())),
            roles: may(list(object({ id: may(idText), name: may(text({ max: 255 })) }, open), { max: 100 })),
            unrestricted: may(nullable(bool)),
            access_rules: may(list(AccessRule, { max: 1000 })),
          },
          open,
        ),
      ),
    }),
    reply: object({ application_credential: must(ApplicationCredential) }),
    faults: [faults.Conflict, faults.ApplicationCredentialInvalid, faults.ForbiddenAction, faults.ExpirationPassed],
  }),
  show: get('/v3/users/{user_id}/application_credentials/{application_credential_id}', {
    policy: rules.getApplicationCredential,
    judged: 'domain',
    reply: object({ application_credential: must(ApplicationCredential) }),
    faults: [faults.ApplicationCredentialNotFound],
  }),
  remove: del('/v3/users/{user_id}/application_credentials/{application_credential_id}', {
    policy: rules.deleteApplicationCredential,
    faults: [faults.ApplicationCredentialNotFound, faults.ForbiddenAction],
  }),
}

export const accessRules = {
  list: get('/v3/users/{user_id}/access_rules', {
    policy: rules.listAccessRules,
    judged: 'domain',
    query: listQueryShape,
  }),
  show: get('/v3/users/{user_id}/access_rules/{access_rule_id}', {
    policy: rules.getAccessRule,
    judged: 'domain',
    faults: [faults.AccessRuleNotFound],
  }),
  remove: del('/v3/users/{user_id}/access_rules/{access_rule_id}', {
    policy: rules.deleteAccessRule,
    faults: [faults.AccessRuleNotFound, faults.Denied],
  }),
}
