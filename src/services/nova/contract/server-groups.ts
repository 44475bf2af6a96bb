// Server groups: servers that should be near each other, or far apart.
import { del, get, post } from '#kernel/contract/route.ts'
import { may, must, object } from '#kernel/contract/shape.ts'
import { any, intLike, list, name, raw, repeated, text, uuid, words } from '#kernel/contract/shapes.ts'
import { faults } from '#services/nova/contract/faults.ts'
import { rules } from '#services/nova/contract/rules.ts'

const hard = words('anti-affinity', 'affinity')
const all = words('anti-affinity', 'affinity', 'soft-anti-affinity', 'soft-affinity')
const one = { min: 1, max: 1, unique: true } as const
const CreateServerGroup = object({
  name: must(name()),
  policies: must(list(hard, one)).becomes('2.15', list(all, one)).until('2.63'),
  policy: must(all).since('2.64'),
  rules: may(object({ max_server_per_host: may(intLike({ min: 1 })) })).since('2.64'),
})

export const ServerGroupView = object({
  id: must(uuid),
  name: must(text()),
  policies: must(list(text())).until('2.63'),
  /** Always empty. */
  metadata: must(any).until('2.63'),
  policy: must(text()).since('2.64'),
  rules: must(any).since('2.64'),
  members: must(list(uuid)),
  project_id: must(text()).since('2.13'),
  user_id: must(text()).since('2.13'),
})

const at = '/v2.1/os-server-groups/{id}'
const missing = [faults.ServerGroupNotFound]
const atLeastZero = repeated(intLike({ min: 0 }))
export const serverGroups = {
  list: get('/v2.1/os-server-groups', {
    policy: rules.serverGroupsIndex,
    query: object(
      {
        all_projects: may(repeated(raw<string>({ type: 'string' }))),
        limit: may(atLeastZero),
        offset: may(atLeastZero),
      },
      { extra: { refusedFrom: '2.75' } },
    ),
  }),
  show: get(at, { policy: rules.serverGroupsShow, faults: missing }),
  create: post('/v2.1/os-server-groups', {
    policy: rules.serverGroupsCreate,
    body: object({ server_group: must(CreateServerGroup) }),
    status: 200,
    faults: [faults.OverQuotaSimple, faults.BadRequest],
  }),
  remove: del(at, { policy: rules.serverGroupsDelete, faults: missing }),
}
