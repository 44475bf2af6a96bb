// Application credentials and access rules over HTTP.
import { handlers, type Call, type HandlerTable } from '#kernel/http/handlers.ts'
import { collection, listQuery, type ListSettings } from '#services/keystone/api/lists.ts'
import { accessRules, applicationCredentials } from '#services/keystone/contract/application-credentials.ts'
import type { AccessRule } from '#services/keystone/db/application-credentials.ts'
import type { ApplicationCredentials, WithRoles } from '#services/keystone/domain/application-credentials.ts'

const show = (call: Pick<Call, 'base'>, { credential: c, roles }: WithRoles): Record<string, unknown> => ({
  id: c.id,
  name: c.name,
  description: c.description,
  project_id: c.projectId,
  user_id: c.userId,
  roles: roles.map(role => ({ id: role.id, name: role.name, domain_id: role.domainId })),
  expires_at: c.expiresAt?.text ?? null,
  unrestricted: c.unrestricted,
  system: null,
  ...(c.accessRules === null ? {} : { access_rules: c.accessRules }),
  links: { self: `${call.base}/v3/users/${c.userId}/application_credentials/${c.id}` },
})
const showRule = (call: Pick<Call, 'base'>, userId: string, rule: AccessRule): object => ({
  id: rule.id,
  service: rule.service,
  method: rule.method,
  path: rule.path,
  links: { self: `${call.base}/v3/users/${userId}/access_rules/${rule.id}` },
})

export const applicationCredentialHandlers = (
  verbs: ApplicationCredentials,
  settings: ListSettings,
): HandlerTable[] => [
  handlers(applicationCredentials, {
    list: async call => {
      const list = listQuery(call, ['name'], settings)
      const rows = await verbs.list(call.ctx, call.params.user_id, list)
      return collection(
        call,
        'application_credentials',
        rows.map(row => ({ ...row, id: row.credential.id })),
        row => show(call, row),
        list,
      )
    },
    create: async call => {
      const wish = call.body.application_credential
      const made = await verbs.create(call.ctx, call.params.user_id, {
        name: wish.name,
        description: wish.description,
        secret: wish.secret,
        expiresAt: wish.expires_at,
        roles: wish.roles,
        unrestricted: wish.unrestricted,
        accessRules: wish.access_rules,
      })
      return { application_credential: { ...show(call, made), secret: made.secret } }
    },
    show: async call => ({
      application_credential: show(
        call,
        await verbs.find(call.ctx, call.params.user_id, call.params.application_credential_id),
      ),
    }),
    remove: call => verbs.remove(call.ctx, call.params.user_id, call.params.application_credential_id),
  }),
  handlers(accessRules, {
    list: async call => {
      const list = listQuery(call, ['service', 'path', 'method'], settings)
      const rows = await verbs.listRules(call.ctx, call.params.user_id, list)
      return collection(call, 'access_rules', rows, row => showRule(call, call.params.user_id, row), list)
    },
    show: async call => {
      const { user_id: userId, access_rule_id: id } = call.params
      return { access_rule: showRule(call, userId, await verbs.findRule(call.ctx, userId, id)) }
    },
    remove: call => verbs.removeRule(call.ctx, call.params.user_id, call.params.access_rule_id),
  }),
]
