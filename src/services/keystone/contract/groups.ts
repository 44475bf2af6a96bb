// Groups of users.
import { del, get, patch, post, put } from '#kernel/contract/route.ts'
import { may, must, object } from '#kernel/contract/shape.ts'
import { list, text } from '#kernel/contract/shapes.ts'
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

export const Group = object(
  { id: must(text()), name: must(text()), domain_id: must(text()), description: must(text()), links: must(Links) },
  open,
)

export const groups = {
  list: get('/v3/groups', {
    policy: rules.listGroups,
    judged: 'domain',
    query: listQueryShape,
    reply: object({ groups: must(list(Group)), links: must(ListLinks) }, open),
  }),
  create: post('/v3/groups', {
    policy: rules.createGroup,
    body: object({
      group: must(object({ name: must(longName), description: may(freeText), domain_id: may(idText) }, open)),
    }),
    reply: object({ group: must(Group) }),
    faults: [faults.Conflict, faults.DomainNotFound],
  }),
  show: get('/v3/groups/{group_id}', {
    policy: rules.getGroup,
    judged: 'domain',
    reply: object({ group: must(Group) }),
    faults: [faults.GroupNotFound],
  }),
  update: patch('/v3/groups/{group_id}', {
    policy: rules.updateGroup,
    body: object({
      group: must(
        object(
          { name: may(longName), description: may(freeText), domain_id: may(idText) },
          { ...open, minProperties: 1 },
        ),
      ),
    }),
    reply: object({ group: must(Group) }),
    faults: [faults.GroupNotFound, faults.Conflict],
  }),
  remove: del('/v3/groups/{group_id}', { policy: rules.deleteGroup, faults: [faults.GroupNotFound] }),
  users: get('/v3/groups/{group_id}/users', {
    policy: rules.listUsersInGroup,
    judged: 'domain',
    query: listQueryShape,
    faults: [faults.GroupNotFound],
  }),
  addUser: put('/v3/groups/{group_id}/users/{user_id}', {
    policy: rules.addUserToGroup,
    status: 204,
    faults: [faults.GroupNotFound, faults.UserNotFound],
  }),
  hasUser: get('/v3/groups/{group_id}/users/{user_id}', {
    policy: rules.checkUserInGroup,
    judged: 'domain',
    status: 204,
    faults: [faults.GroupNotFound, faults.UserNotFound, faults.MembershipNotFound],
  }),
  removeUser: del('/v3/groups/{group_id}/users/{user_id}', {
    policy: rules.removeUserFromGroup,
    faults: [faults.GroupNotFound, faults.UserNotFound, faults.MembershipNotFound],
  }),
}
