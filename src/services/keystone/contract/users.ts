// Users and their passwords.
import { del, get, patch, post } from '#kernel/contract/route.ts'
import { may, must, object } from '#kernel/contract/shape.ts'
import { bool, list, nullable, text } from '#kernel/contract/shapes.ts'
import { faults } from '#services/keystone/contract/faults.ts'
import { rules } from '#services/keystone/contract/rules.ts'
import {
  flagWord,
  freeText,
  idText,
  Links,
  ListLinks,
  listQueryShape,
  longName,
  open,
} from '#services/keystone/contract/shapes.ts'

const options = object({
  ignore_change_password_upon_first_use: may(nullable(flagWord)),
  ignore_password_expiry: may(nullable(flagWord)),
  ignore_lockout_failure_attempts: may(nullable(flagWord)),
  lock_password: may(nullable(flagWord)),
  ignore_user_inactivity: may(nullable(flagWord)),
  multi_factor_auth_rules: may(
    nullable(list(list(text(), { min: 1, max: 16, unique: true }), { max: 64, unique: true })),
  ),
  multi_factor_auth_enabled: may(nullable(flagWord)),
})
const fields = {
  domain_id: may(idText),
  default_project_id: may(freeText),
  description: may(freeText),
  email: may(freeText),
  enabled: may(flagWord),
  password: may(nullable(text())),
  options: may(options),
}
export const User = object(
  {
    id: must(text()),
    name: must(text()),
    domain_id: must(text()),
    enabled: must(bool),
    default_project_id: may(text()),
    password_expires_at: must(nullable(text())),
    options: must(object({}, open)),
    links: must(Links),
  },
  open,
)

export const users = {
  list: get('/v3/users', {
    policy: rules.listUsers,
    judged: 'domain',
    query: listQueryShape,
    reply: object({ users: must(list(User)), links: must(ListLinks) }, open),
    faults: [faults.InvalidOperator, faults.BadTimestamp, faults.MarkerNotFound],
  }),
  create: post('/v3/users', {
    policy: rules.createUser,
    body: object({ user: must(object({ ...fields, name: must(longName) }, open)) }),
    reply: object({ user: must(User) }),
    faults: [faults.Conflict, faults.DomainNotFound, faults.PasswordRequirements],
  }),
  show: get('/v3/users/{user_id}', {
    policy: rules.getUser,
    judged: 'domain',
    reply: object({ user: must(User) }),
    faults: [faults.UserNotFound],
  }),
  update: patch('/v3/users/{user_id}', {
    policy: rules.updateUser,
    body: object({ user: must(object({ ...fields, name: may(longName) }, { ...open, minProperties: 1 })) }),
    reply: object({ user: must(User) }),
    faults: [faults.UserNotFound, faults.Conflict, faults.PasswordRequirements],
  }),
  remove: del('/v3/users/{user_id}', { policy: rules.deleteUser, faults: [faults.UserNotFound] }),
  // Public: a user whose password is over has no token. The old password is the proof.
  changePassword: post('/v3/users/{user_id}/password', {
    policy: 'public',
    body: object({
      user: must(object({ original_password: must(text()), password: must(text()) })),
    }),
    status: 204,
    faults: [
      faults.Unauthorized,
      faults.PasswordRequirements,
      faults.PasswordHistory,
      faults.PasswordAge,
      faults.PasswordSelfServiceDisabled,
    ],
  }),
  projects: get('/v3/users/{user_id}/projects', {
    policy: rules.listUserProjects,
    judged: 'domain',
    query: listQueryShape,
    faults: [faults.UserNotFound],
  }),
  groups: get('/v3/users/{user_id}/groups', {
    policy: rules.listGroupsForUser,
    judged: 'domain',
    query: listQueryShape,
    faults: [faults.UserNotFound],
  }),
}
