// The query of allocation candidates: request groups, told apart by what follows the parameter's name.
import { versionNumber, type VersionNumber } from '#kernel/contract/version.ts'
import { pythonRepr } from '#kernel/http/validation.ts'
import {
  parseInTree,
  parseMemberOf,
  parseRequired,
  parseResources,
  parseTraits,
} from '#services/placement/api/parameters.ts'
import { faults } from '#services/placement/contract/faults.ts'
import type { CandidateRequest, Group } from '#services/placement/domain/candidates/request.ts'

const NESTED = versionNumber('1.29')
const FORBIDDEN_TRAITS = versionNumber('1.22')
const SAME_SUBTREE = versionNumber('1.36')
const GROUPED = /^(resources|required|member_of|in_tree)(.*)$/s

/** Parameters as sent; several values where one was repeated. */
export type CandidateQuery = Readonly<Record<string, string | readonly string[]>>

const all = (query: CandidateQuery, key: string): readonly string[] => {
  const value = query[key]
  return value === undefined ? [] : typeof value === 'string' ? [value] : value
}
const bad = (detail: string): Error => faults.BadParameter({ detail })
const badValue = (detail: string): Error => faults.BadParameterValue({ detail })

/** Throws BadParameter, BadParameterValue, MissingParameter and RepeatedParameter (400). */
export function candidateRequest(query: CandidateQuery, at: VersionNumber): CandidateRequest {
  const root = rootWishes(all(query, 'root_required'))
  const sameSubtrees = all(query, 'same_subtree').map(subtreeOf)
  const suffixes = new Set<string>()
  for (const key of Object.keys(query)) {
    const match = GROUPED.exec(key)
    if (match !== null) suffixes.add(match[2] ?? '')
  }
  const groups = [...suffixes].map(suffix => groupOf(query, suffix, at))
  if (at >= SAME_SUBTREE) checkSuffixes(groups, sameSubtrees)
  else checkOrphans(groups)
  if (at >= FORBIDDEN_TRAITS) checkConflicts(groups)
  const policy = all(query, 'group_policy')[0]
  if (policy === undefined && groups.filter(group => group.suffix !== '').length > 1)
    throw bad('The "group_policy" parameter is required when specifying more than one "resources{N}" parameter.')
  const limit = all(query, 'limit')[0]
  if (limit !== undefined && !/^[1-9][0-9]*$/.test(limit))
    throw bad(`Invalid query string parameters: ${pythonRepr(limit)} does not match '^[1-9][0-9]*$'`)
  return {
    groups,
    isolated: policy === 'isolate',
    limit: limit === undefined ? null : Number(limit),
    ...root,
    sameSubtrees,
    nested: at >= NESTED,
  }
}

function groupOf(query: CandidateQuery, suffix: string, at: VersionNumber): Group {
  const resources = all(query, `resources${suffix}`).at(-1)
  const inTree = all(query, `in_tree${suffix}`).at(-1)
  return {
    suffix,
    resources: resources === undefined ? new Map() : parseResources(resources),
    ...parseRequired(all(query, `required${suffix}`), at),
    ...parseMemberOf(all(query, `member_of${suffix}`), at, suffix),
    inTree: inTree === undefined ? null : parseInTree(inTree),
  }
}

function rootWishes(texts: readonly string[]): Pick<CandidateRequest, 'rootRequired' | 'rootForbidden'> {
  if (texts.length > 1) throw faults.RepeatedParameter({ name: 'root_required' })
  if (texts[0] === undefined) return { rootRequired: [], rootForbidden: [] }
  // compat: `in:` was never taught to root_required.
  const { required, forbidden } = parseTraits(texts[0], { forbid: true, chooseAny: false })
  const names = required.flat()
  const both = names.filter(name => forbidden.includes(name))
  if (both.length > 0)
    throw badValue(`Conflicting required and forbidden traits found in root_required: ${both.join(', ')}`)
  return { rootRequired: names, rootForbidden: forbidden }
}

function subtreeOf(text: string): string[] {
  const suffixes = [...new Set(text.split(',').map(suffix => suffix.trim()))]
  if (suffixes.includes('')) throw badValue('Empty string (unsuffixed group) can not be specified in `same_subtree` ')
  return suffixes
}

/** From 1.36 a group may lack resources if it is named in same_subtree. */
function checkSuffixes(groups: readonly Group[], sameSubtrees: readonly (readonly string[])[]): void {
  const bare = groups.filter(group => group.resources.size === 0).map(group => group.suffix)
  if (bare.length === groups.length)
    throw faults.MissingParameter({ detail: 'There must be at least one resources or resources[$S] parameter.' })
  const named = new Set(sameSubtrees.flat())
  const lost = bare.filter(suffix => !named.has(suffix))
  if (lost.length > 0)
    throw badValue(
      `Resourceless suffixed group request should be specified in \`same_subtree\` query param: bad group(s) - ${pythonRepr(lost)}.`,
    )
  const known = groups.map(group => group.suffix)
  const unknown = [...named].filter(suffix => !known.includes(suffix))
  if (unknown.length > 0)
    throw badValue(
      `Real suffixes should be specified in \`same_subtree\`: ${pythonRepr(unknown)} not found in ${pythonRepr(known)}.`,
    )
}

/** Before 1.36 every group has resources. */
function checkOrphans(groups: readonly Group[]): void {
  const bare = groups.filter(group => group.resources.size === 0)
  const keys = (name: string, of: readonly Group[]): string => of.map(group => `${name}${group.suffix}`).join(', ')
  const traits = bare.filter(group => group.required.length > 0)
  if (traits.length > 0)
    throw bad(
      `All traits parameters must be associated with resources.  Found the following orphaned traits keys: ${keys('required', traits)}`,
    )
  const aggregates = bare.filter(group => group.memberOf.length > 0 || group.notMemberOf.length > 0)
  if (aggregates.length > 0)
    throw bad(
      `All member_of parameters must be associated with resources. Found the following orphaned member_of keys: ${keys('member_of', aggregates)}`,
    )
  if (bare.length > 0) throw bad('All request groups must specify resources.')
  if (groups.length === 0) throw bad('At least one request group (`resources` or `resources{$S}`) is required.')
}

function checkConflicts(groups: readonly Group[]): void {
  const found: string[] = []
  for (const group of groups)
    for (const any of group.required)
      if (any.every(name => group.forbidden.includes(name)))
        found.push(`required${group.suffix}: (${[...any].sort().join(', ')})`)
  if (found.length > 0)
    throw bad(
      `Conflicting required and forbidden traits found in the following traits keys: ${found.sort().join(', ')}`,
    )
}
