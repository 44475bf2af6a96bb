// Credentials, EC2 key pairs and policy files over HTTP.
import { handlers, type Call, type HandlerTable } from '#kernel/http/handlers.ts'
import { collection, listQuery, selfLink, type ListSettings } from '#services/keystone/api/lists.ts'
import { credentials, ec2Credentials, policies } from '#services/keystone/contract/credentials.ts'
import type { PolicyEntity } from '#services/keystone/db/credentials.ts'
import { extrasOf, owned } from '#services/keystone/domain/common.ts'
import type { Credentials, CredentialWish, OpenCredential } from '#services/keystone/domain/credentials.ts'
import type { Policies, PolicyWish } from '#services/keystone/domain/policies.ts'

type Base = Pick<Call, 'base'>
interface Body {
  readonly user_id?: string
  readonly project_id?: string | null
  readonly type?: string
  readonly blob?: string
}
const wishOf = (body: Body): CredentialWish => ({
  userId: body.user_id,
  projectId: body.project_id,
  type: body.type,
  blob: body.blob,
  extra: extrasOf(body, ['user_id', 'project_id', 'type', 'blob']),
})
const show = (call: Base, c: OpenCredential): object => ({
  ...c.extra,
  id: c.id,
  user_id: c.userId,
  project_id: c.projectId,
  type: c.type,
  blob: c.blob,
  links: selfLink(call, 'credentials', c.id),
})
/** An EC2 key pair as its own API shows it. */
const showEc2 = (call: Base, c: OpenCredential): object => {
  const blob = JSON.parse(c.blob) as Record<string, unknown>
  return {
    user_id: c.userId,
    tenant_id: c.projectId,
    access: blob['access'],
    secret: blob['secret'],
    trust_id: blob['trust_id'] ?? null,
    links: { self: `${call.base}/v3/users/${c.userId}/credentials/OS-EC2/${String(blob['access'])}` },
  }
}

const policyWish = (body: { type?: string; blob?: string }): PolicyWish => ({
  type: body.type,
  blob: body.blob,
  extra: extrasOf(body, ['type', 'blob']),
})
const showPolicy = (call: Base, policy: PolicyEntity): object => ({
  ...policy.extra,
  id: policy.id,
  type: policy.type,
  blob: policy.blob,
  links: selfLink(call, 'policies', policy.id),
})

export const credentialHandlers = (verbs: Credentials, settings: ListSettings): HandlerTable[] => [
  handlers(credentials, {
    list: async call => {
      const list = listQuery(call, ['user_id', 'type'], settings)
      return collection(call, 'credentials', await verbs.list(call.ctx, list), row => show(call, row), list)
    },
    create: async call => ({
      credential: show(call, await verbs.create(call.ctx, wishOf(call.body.credential))),
    }),
    show: async call => ({ credential: show(call, await verbs.find(call.ctx, call.params.credential_id)) }),
    update: async call => ({
      credential: show(
        call,
        await verbs.update(
          call.ctx,
          call.params.credential_id,
          wishOf(owned(call.body.credential, call.params.credential_id)),
        ),
      ),
    }),
    remove: call => verbs.remove(call.ctx, call.params.credential_id),
  }),
  handlers(ec2Credentials, {
    list: async call => {
      const rows = await verbs.listEc2(call.ctx, call.params.user_id)
      return collection(call, 'credentials', rows, row => showEc2(call, row))
    },
    create: async call => ({
      credential: showEc2(call, await verbs.createEc2(call.ctx, call.params.user_id, call.body.tenant_id)),
    }),
    show: async call => ({
      credential: showEc2(call, await verbs.findEc2(call.ctx, call.params.user_id, call.params.credential_id)),
    }),
    remove: call => verbs.removeEc2(call.ctx, call.params.user_id, call.params.credential_id),
  }),
]

export const policyHandlers = (verbs: Policies, settings: ListSettings): HandlerTable =>
  handlers(policies, {
    list: async call => {
      const list = listQuery(call, ['type'], settings)
      return collection(call, 'policies', await verbs.list(call.ctx, list), row => showPolicy(call, row), list)
    },
    create: async call => ({ policy: showPolicy(call, await verbs.create(call.ctx, policyWish(call.body.policy))) }),
    show: async call => ({ policy: showPolicy(call, await verbs.find(call.ctx, call.params.policy_id)) }),
    update: async call => ({
      policy: showPolicy(
        call,
        await verbs.update(call.ctx, call.params.policy_id, policyWish(owned(call.body.policy, call.params.policy_id))),
      ),
    }),
    remove: call => verbs.remove(call.ctx, call.params.policy_id),
  })
