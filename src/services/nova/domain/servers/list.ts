// Which servers a list shows: who may filter by what, patterns in linear time, one page.
import { wordTable } from '#kernel/lib/word-table.ts'
import { isFull } from '#kernel/http/paging.ts'
import { RE2JS } from 're2js'

import type { Database } from '#kernel/db/database.ts'
import { Fault } from '#kernel/contract/fault.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import type { Enforcer } from '#kernel/policy/enforcer.ts'
import { faults } from '#services/nova/contract/faults.ts'
import { rules } from '#services/nova/contract/rules.ts'
import { vmStatesOf } from '#services/nova/contract/states.ts'
import { EQUAL_COLUMNS, listServers, SORT_COLUMNS, type ServerFilters } from '#services/nova/db/server-list.ts'
import type { Server } from '#services/nova/db/servers.ts'
import type { NovaTables } from '#services/nova/db/tables.ts'

export interface ListTools {
  readonly database: Database<NovaTables>
  readonly policy: Enforcer
  readonly maxLimit: number
}
/** The query as it came: every value a list. Switches say what the version allows. */
export interface ListRequest {
  readonly query: Readonly<Record<string, readonly (string | number)[] | undefined>>
  readonly detail: boolean
  /** The version asked for, as a number: which filters are for everybody depends on it. */
  readonly at: number
}

/** Filters everybody may use, and since which version. The others are for those who may filter by anything. */
const FOR_ALL: Readonly<Record<string, number>> = wordTable<number>({
  reservation_id: 2001,
  name: 2001,
  status: 2001,
  image: 2001,
  flavor: 2001,
  ip: 2001,
  'changes-since': 2001,
  ip6: 2005,
  tags: 2026,
  'tags-any': 2026,
  'not-tags': 2026,
  'not-tags-any': 2026,
  'changes-before': 2066,
  locked: 2073,
  availability_zone: 2083,
  config_drive: 2083,
  key_name: 2083,
  power_state: 2083,
  task_state: 2083,
  vm_state: 2083,
  progress: 2083,
  user_id: 2083,
  hostname: 2090,
})
/** Filters that exist only from a version on, for whomever. */
const SINCE: Readonly<Record<string, number>> = wordTable<number>(
  Object.fromEntries(
    ['tags', 'tags-any', 'not-tags', 'not-tags-any', 'changes-before', 'locked'].map(key => [key, FOR_ALL[key] ?? 0]),
  ),
)
/** What is kept in tables of its own and cannot be filtered by. */
const JOINED = [
  'block_device_mapping',
  'services',
  'metadata',
  'system_metadata',
  'info_cache',
  'security_groups',
  'pci_devices',
]
/** Sort keys that are taken and ignored; `locked` only until 2.73. */
const IGNORED_SORT = new Set(['id', 'launched_on', 'reservation_id', 'locked'])
const truthy = (value: string | number | undefined): boolean =>
  value === undefined || ['', '1', 'true', 'yes', 'on', 't', 'y'].includes(String(value).toLowerCase())
const ADDRESS_PATTERN = 1_000

/** A page of servers and whether another follows. Throws 400 for values that make no sense, 403 for other projects. */
export async function pageOfServers(
  tools: ListTools,
  ctx: Ctx,
  request: ListRequest,
): Promise<{ servers: Server[]; more: boolean }> {
  const { query } = request
  const who = ctx.who
  const admin = tools.policy.allows(who, rules.serversAllowAllFilters, { project_id: who?.projectId ?? '' })
  const usable = (key: string): boolean =>
    request.at >= (SINCE[key] ?? 0) && (admin || request.at >= (FOR_ALL[key] ?? Infinity))
  const given = (key: string): string | undefined => {
    const value = query[key]?.at(-1)
    return value === undefined ? undefined : String(value)
  }
  const one = (key: string): string | undefined => (usable(key) ? given(key) : undefined)
  const joined = JOINED.find(key => admin && query[key] !== undefined)
  if (joined !== undefined) throw faults.BadRequest({ reason: `Invalid filter field: ${joined}.` })
  const allTenants = query['all_tenants'] !== undefined && allTenantsOf(given('all_tenants'))
  const own = who?.projectId ?? ''
  const wantedProject = one('project_id') ?? one('tenant_id')
  let projectId: string | null = own
  if (allTenants) {
    const rule = request.detail ? rules.serversDetailGetAllTenants : rules.serversIndexGetAllTenants
    const verdict = tools.policy.check(who, rule, { project_id: own })
    if (!verdict.ok)
      throw new Fault('Forbidden', 403, `Policy doesn't allow ${rule.name} to be performed.`, {
        because: verdict.because,
      })
    projectId = wantedProject ?? null
  } else if (wantedProject !== undefined && wantedProject !== own && admin) {
    projectId = own
  }

  const equal: Record<string, (string | number | null)[]> = {}
  for (const [key, column] of Object.entries(EQUAL_COLUMNS)) {
    const values = query[key]
    if (values === undefined || !usable(key)) continue
    equal[column] = values.map(value => (value === 'None' || value === '' ? null : value))
  }
  if (equal['config_drive'] !== undefined)
    equal['config_drive'] = equal['config_drive'].map(value => (value === null ? '' : truthy(value) ? 'True' : ''))
  const states = statesOf(query['status'], request.at >= 2038, admin)
  if (states === 'nothing') return { servers: [], more: false }
  const changed = timesOf(one('changes-since'), one('changes-before'))
  const gone = one('deleted')
  // Who asks what changed is told what went, too.
  const deleted =
    states?.every(state => state.vmState === 'deleted') === true ||
    (gone !== undefined ? truthy(gone) : Object.keys(changed).length > 0 ? 'either' : false)
  const flavor = one('flavor') ?? one('flavor_id')
  const name = one('name') ?? one('display_name')
  const namePattern = name === undefined ? null : pattern(name)
  const ip = one('ip')
  const ip6 = one('ip6')
  const byAddress =
    ip !== undefined || ip6 !== undefined ? await serversWithAddress(tools, ctx, projectId, ip, ip6) : undefined

  const limitGiven = query['limit']?.at(-1)
  const limit = Math.min(limitGiven === undefined ? tools.maxLimit : Number(limitGiven), tools.maxLimit)
  const filters: ServerFilters = {
    projectId,
    deleted,
    ...(one('soft_deleted') === undefined ? {} : { softDeleted: truthy(one('soft_deleted')) }),
    equal,
    ...(one('uuid') === undefined && byAddress === undefined
      ? {}
      : { ids: intersect(usable('uuid') ? query['uuid']?.map(String) : undefined, byAddress) }),
    ...(namePattern?.plain === undefined ? {} : { nameLike: namePattern.plain }),
    ...(states === null ? {} : { states }),
    ...changed,
    ...tagsOf('tags', one, 'tagsAll'),
    ...tagsOf('tags-any', one, 'tagsAny'),
    ...tagsOf('not-tags', one, 'notTagsAll'),
    ...tagsOf('not-tags-any', one, 'notTagsAny'),
    ...(one('locked') === undefined ? {} : { locked: lockedOf(one('locked') ?? '') }),
  }
  const sort = sortOf(query['sort_key']?.map(String), query['sort_dir']?.map(String), request.at, admin)
  const marker = given('marker') ?? null
  if (limit === 0) return { servers: [], more: false }

  // Patterns and flavors are not columns: pages are read until enough rows pass.
  const passes = (server: Server): boolean =>
    (namePattern === null || namePattern.test(server.name)) && (flavor === undefined || server.flavor.id === flavor)
  const filtered = flavor !== undefined || (namePattern !== null && namePattern.plain === undefined)
  const found: Server[] = []
  let from = marker
  for (;;) {
    const rows = await tools.database.read(ctx, 'list-servers', q =>
      listServers(q, filters, { sort, marker: from, limit: filtered ? Math.max(limit, 100) : limit }),
    )
    if (rows === undefined) throw faults.MarkerNotFound({ marker: from ?? '' })
    for (const row of rows) if (passes(row)) found.push(row)
    const last = rows.at(-1)
    if (found.length > limit || last === undefined || rows.length <= (filtered ? Math.max(limit, 100) : limit)) break
    from = last.id
  }
  return { servers: found.slice(0, limit), more: isFull(found.length, limit) }
}

function allTenantsOf(value: string | undefined): boolean {
  if (value === undefined || value === '') return true
  const word = value.toLowerCase()
  if (['1', 'true', 'yes', 'on', 't', 'y'].includes(word)) return true
  if (['0', 'false', 'no', 'off', 'f', 'n'].includes(word)) return false
  throw faults.BadRequest({
    reason: `Unrecognized value '${value}', acceptable values are: '0', '1', 'f', 'false', 'n', 'no', 'off', 'on', 't', 'true', 'y', 'yes'`,
  })
}

function lockedOf(value: string): boolean {
  const word = value.toLowerCase()
  if (['1', 'true', 'yes', 'on', 't', 'y'].includes(word)) return true
  if (['0', 'false', 'no', 'off', 'f', 'n'].includes(word)) return false
  throw faults.BadRequest({
    reason: `Unrecognized value '${value}', acceptable values are: '0', '1', 'f', 'false', 'n', 'no', 'off', 'on', 't', 'true', 'y', 'yes'`,
  })
}

function statesOf(
  values: readonly (string | number)[] | undefined,
  strict: boolean,
  admin: boolean,
): { vmState: string; taskStates: string[] | null }[] | null | 'nothing' {
  if (values === undefined) return null
  const states = values.flatMap(value => vmStatesOf(String(value).toUpperCase()))
  if (states.length === 0) {
    if (strict) throw faults.BadRequest({ reason: 'Invalid status value' })
    return 'nothing'
  }
  if (!admin && states.some(state => state.vmState === 'deleted'))
    throw new Fault('Forbidden', 403, 'Only administrators may list deleted instances')
  return states
}

/** A name filter: plain text is SQL's, a pattern is matched in linear time. Throws 400 on one that does not parse. */
function pattern(text: string): { plain?: string; test: (name: string) => boolean } {
  if (!/[\\^$.*+?()[\]{}|]/.test(text))
    return { plain: text, test: name => name.toLowerCase().includes(text.toLowerCase()) }
  if (text.length > 255) throw faults.BadRequest({ reason: 'The name filter is too long' })
  try {
    const compiled = RE2JS.compile(text, RE2JS.CASE_INSENSITIVE)
    return { test: name => compiled.matcher(name).find() }
  } catch (error) {
    throw faults.BadRequest({ reason: `Invalid name filter: ${text}` }, { cause: error })
  }
}

const timesOf = (since: string | undefined, before: string | undefined): Partial<ServerFilters> => {
  const at = (text: string): number => Date.parse(/[zZ]|[+-]\d\d:?\d\d$/.test(text) ? text : `${text}Z`)
  if (since !== undefined && before !== undefined && at(since) > at(before))
    throw faults.BadRequest({ reason: 'The value of changes-since must be less than or equal to changes-before.' })
  return {
    ...(since === undefined ? {} : { changedSince: at(since) }),
    ...(before === undefined ? {} : { changedBefore: at(before) }),
  }
}

const tagsOf = (
  key: string,
  one: (key: string) => string | undefined,
  name: 'tagsAll' | 'tagsAny' | 'notTagsAll' | 'notTagsAny',
): Partial<ServerFilters> => {
  const value = one(key)
  return value === undefined ? {} : { [name]: value.split(',').map(tag => tag.trim()) }
}

/** Directions belong to keys by place; keys without one take the first. Throws 400 and, for hosts, 403. */
function sortOf(
  keys: readonly string[] | undefined,
  dirs: readonly string[] | undefined,
  at: number,
  admin: boolean,
): { column: string; direction: 'asc' | 'desc' }[] {
  const wanted = keys === undefined || keys.length === 0 ? ['created_at'] : keys
  const directions = (dirs ?? []).map(direction => {
    if (direction !== 'asc' && direction !== 'desc')
      throw faults.BadRequest({ reason: "Unknown sort direction, must be 'desc' or 'asc'" })
    return direction
  })
  if (directions.length > wanted.length)
    throw faults.BadRequest({ reason: 'Sort direction size exceeds sort key size' })
  return wanted.flatMap((key, index) => {
    if ((key === 'host' || key === 'node') && !admin)
      throw new Fault('Forbidden', 403, `Only administrators can sort servers by ${key}`)
    const column = SORT_COLUMNS[key]
    if (column === undefined || (IGNORED_SORT.has(key) && !(key === 'locked' && at >= 2073))) return []
    return [{ column, direction: directions[index] ?? directions[0] ?? 'desc' }]
  })
}

const intersect = (a: readonly string[] | undefined, b: readonly string[] | undefined): readonly string[] =>
  a === undefined ? (b ?? []) : b === undefined ? a : a.filter(id => b.includes(id))

/** Ids of servers one of whose addresses matches. The pattern runs in linear time over the addresses on record. */
async function serversWithAddress(
  tools: ListTools,
  ctx: Ctx,
  projectId: string | null,
  ip: string | undefined,
  ip6: string | undefined,
): Promise<string[]> {
  const matchers = [ip, ip6].flatMap(text => {
    if (text === undefined) return []
    if (text.length > ADDRESS_PATTERN) throw faults.BadRequest({ reason: 'The address filter is too long' })
    try {
      return [RE2JS.compile(text)]
    } catch (error) {
      throw faults.BadRequest({ reason: `Invalid address filter: ${text}` }, { cause: error })
    }
  })
  const rows = await tools.database.read(ctx, 'servers-by-address', q => {
    let query = q
      .selectFrom('server_nics as n')
      .innerJoin('servers as s', 's.id', 'n.server_id')
      .select(['n.server_id', 'n.addresses'])
      .where('s.deleted_at', 'is', null)
    if (projectId !== null) query = query.where('s.project_id', '=', projectId)
    return query.execute()
  })
  const ids = new Set<string>()
  for (const row of rows) {
    const addresses = (JSON.parse(row.addresses) as { address: string; floating: string[] }[]).flatMap(one => [
      one.address,
      ...one.floating,
    ])
    if (addresses.some(address => matchers.some(matcher => matcher.matcher(address).find()))) ids.add(row.server_id)
  }
  return [...ids]
}
