// Credentials of other kinds, kept sealed: EC2 key pairs, one-time-password secrets, certificates. And policy files as data.
import { del, get, patch, post } from '#kernel/contract/route.ts'
import { may, must, object } from '#kernel/contract/shape.ts'
import { list, nullable, text } from '#kernel/contract/shapes.ts'
import { faults } from '#services/keystone/contract/faults.ts'
import { rules } from '#services/keystone/contract/rules.ts'
import { Links, ListLinks, listQueryShape, open } from '#services/keystone/contract/shapes.ts'

export const Credential = object(
  {
    id: must(text()),
    user_id: must(text()),
    project_id: must(nullable(text())),
    type: must(text()),
    blob: must(text()),
    links: must(Links),
  },
  open,
)
const fields = { project_id: may(nullable(text({ max: 64 }))) }

export const credentials = {
  list: get('/v3/credentials', {
    policy: rules.listCredentials,
    query: listQueryShape,
    reply: object({ credentials: must(list(Credential)), links: must(ListLinks) }, open),
  }),
  create: post('/v3/credentials', {
    policy: rules.createCredential,
    body: object({
      credential: must(
        object(
          { ...fields, user_id: must(text({ max: 64 })), type: must(text({ max: 255 })), blob: must(text()) },
          open,
        ),
      ),
    }),
    reply: object({ credential: must(Credential) }),
    faults: [faults.Conflict, faults.Expecting, faults.ValidationError, faults.ForbiddenAction, faults.CredentialLimit],
  }),
  show: get('/v3/credentials/{credential_id}', {
    policy: rules.getCredential,
    judged: 'domain',
    reply: object({ credential: must(Credential) }),
    faults: [faults.CredentialNotFound],
  }),
  update: patch('/v3/credentials/{credential_id}', {
    policy: rules.updateCredential,
    body: object({
      credential: must(
        object(
          { ...fields, user_id: may(text({ max: 64 })), type: may(text({ max: 255 })), blob: may(text()) },
          { ...open, minProperties: 1 },
        ),
      ),
    }),
    reply: object({ credential: must(Credential) }),
    faults: [faults.CredentialNotFound, faults.ValidationError, faults.ForbiddenAction],
  }),
  remove: del('/v3/credentials/{credential_id}', {
    policy: rules.deleteCredential,
    faults: [faults.CredentialNotFound, faults.ForbiddenAction],
  }),
}

export const ec2Credentials = {
  list: get('/v3/users/{user_id}/credentials/OS-EC2', {
    policy: rules.ec2ListCredentials,
    judged: 'domain',
    faults: [faults.UserNotFound],
  }),
  create: post('/v3/users/{user_id}/credentials/OS-EC2', {
    policy: rules.ec2CreateCredential,
    body: object({ tenant_id: must(text({ max: 64 })) }, open),
    faults: [faults.UserNotFound, faults.ProjectNotFound, faults.ForbiddenAction],
  }),
  show: get('/v3/users/{user_id}/credentials/OS-EC2/{credential_id}', {
    policy: rules.ec2GetCredential,
    judged: 'domain',
    faults: [faults.CredentialNotFound],
  }),
  remove: del('/v3/users/{user_id}/credentials/OS-EC2/{credential_id}', {
    policy: rules.ec2DeleteCredential,
    faults: [faults.CredentialNotFound],
  }),
}

export const policies = {
  list: get('/v3/policies', { policy: rules.listPolicies, query: listQueryShape }),
  create: post('/v3/policies', {
    policy: rules.createPolicy,
    body: object({ policy: must(object({ blob: must(text()), type: must(text({ max: 255 })) }, open)) }),
  }),
  show: get('/v3/policies/{policy_id}', { policy: rules.getPolicy, faults: [faults.PolicyNotFound] }),
  update: patch('/v3/policies/{policy_id}', {
    policy: rules.updatePolicy,
    body: object({
      policy: must(object({ blob: may(text()), type: may(text({ max: 255 })) }, { ...open, minProperties: 1 })),
    }),
    faults: [faults.PolicyNotFound],
  }),
  remove: del('/v3/policies/{policy_id}', { policy: rules.deletePolicy, faults: [faults.PolicyNotFound] }),
}
