// Allocation candidates: ways in which a request could be allocated now.
import { get, type RouteOptions } from '#kernel/contract/route.ts'
import { may, must, object, type AnyField, type Shape } from '#kernel/contract/shape.ts'
import { any, dict, list, repeated, text, words } from '#kernel/contract/shapes.ts'
import { faults } from '#services/placement/contract/faults.ts'
import { rules } from '#services/placement/contract/rules.ts'
import { GROUP_SUFFIX, NUMBERED_SUFFIX } from '#services/placement/contract/shapes.ts'

const PATH = '/allocation_candidates'
const several = repeated(text())

const limit = may(text({ min: 1, pattern: '^[1-9][0-9]*$' })).since('1.16')
const groupPolicy = may(words('none', 'isolate'))

/** Parameters of request groups: the name alone, or with a suffix. */
const grouped = (suffix: string, names: readonly string[]): Record<string, Shape<unknown>> =>
  Object.fromEntries(names.map(name => [`^${name}(${suffix})?$`, several]))

const route = (
  range: { since: string; until?: string },
  fields: Readonly<Record<string, AnyField>>,
  patterns?: Record<string, Shape<unknown>>,
) => {
  const options: RouteOptions<unknown, unknown, unknown> = {
    policy: rules.allocationCandidatesList,
    ...range,
    query: object(fields, patterns === undefined ? {} : { patterns }),
    reply: object({ allocation_requests: must(list(any)), provider_summaries: must(dict(any)) }),
    faults: [
      faults.BadParameter,
      faults.BadParameterValue,
      faults.MissingParameter,
      faults.RepeatedParameter,
      faults.UnknownClassInQuery,
      faults.UnknownTraitInQuery,
    ],
  }
  return get(PATH, options)
}

const BASIC = ['resources', 'required', 'member_of']
export const allocationCandidates = {
  /** One group. */
  one: route(
    { since: '1.10', until: '1.24' },
    {
      resources: must(text()),
      limit,
      required: may(several).since('1.17'),
      member_of: may(several).since('1.21'),
    },
  ),
  /** Numbered groups. */
  numbered: route(
    { since: '1.25', until: '1.30' },
    { limit, group_policy: groupPolicy },
    grouped(NUMBERED_SUFFIX, BASIC),
  ),
  numberedInTree: route(
    { since: '1.31', until: '1.32' },
    { limit, group_policy: groupPolicy },
    grouped(NUMBERED_SUFFIX, [...BASIC, 'in_tree']),
  ),
  /** Named groups. */
  named: route(
    { since: '1.33' },
    {
      limit,
      group_policy: groupPolicy,
      root_required: may(several).since('1.35'),
      same_subtree: may(several).since('1.36'),
    },
    grouped(GROUP_SUFFIX, [...BASIC, 'in_tree']),
  ),
}
