// Tags on things: the verbs. Whose the thing is decides; what one may not see has no tags.
import type { Rule } from '#kernel/contract/rule.ts'
import { insertIfAbsent } from '#kernel/db/helpers.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import type { Target } from '#kernel/policy/enforcer.ts'
import { faults } from '#services/neutron/contract/faults.ts'
import { TAG_MAX, taggable, TAGS_MAX, type Taggable } from '#services/neutron/contract/tags.ts'
import { AS_EXTERNAL } from '#services/neutron/db/sharing.ts'
import { revise, tagsOf, type Q } from '#services/neutron/db/standard.ts'
import { isSharedWith } from '#services/neutron/domain/sharing.ts'
import type { DomainTools } from '#services/neutron/domain/tools.ts'

const TABLES = {
  networks: 'networks',
  subnets: 'subnets',
  subnetpools: 'subnetpools',
  ports: 'ports',
  routers: 'routers',
  floatingips: 'floatingips',
  'security-groups': 'security_groups',
  policies: 'qos_policies',
  network_segment_ranges: 'segment_ranges',
  trunks: 'trunks',
} as const

export const createTags = (tools: Pick<DomainTools, 'database' | 'access' | 'clock'>) => {
  const { database, access, clock } = tools

  /** The policy target of a thing. @throws TagResourceNotFound */
  async function targetOf(q: Q, ctx: Ctx, kind: Taggable, id: string): Promise<Target> {
    const row = await q.selectFrom(TABLES[kind]).selectAll().where('id', '=', id).executeTakeFirst()
    if (row === undefined) throw faults.TagResourceNotFound({ resource: taggable[kind].noun, resource_id: id })
    const network =
      'network_id' in row && typeof row.network_id === 'string'
        ? await q.selectFrom('networks').select(['project_id']).where('id', '=', row.network_id).executeTakeFirst()
        : undefined
    // What is shared is seen by those it is shared with; so is a way to the outside.
    const sharing = 'network_id' in row && typeof row.network_id === 'string' ? row.network_id : id
    const isShared = await isSharedWith(q, ctx, sharing)
    const isExternal = await isSharedWith(q, ctx, sharing, AS_EXTERNAL)
    return {
      project_id: row.project_id,
      tenant_id: row.project_id,
      ...(network === undefined ? {} : { 'network:project_id': network.project_id }),
      shared: isShared,
      'router:external': isExternal,
    }
  }
  async function find(q: Q, ctx: Ctx, kind: Taggable, id: string, rule: Rule): Promise<void> {
    const target = await targetOf(q, ctx, kind, id)
    if (!access.allows(ctx, taggable[kind].get, target))
      throw faults.TagResourceNotFound({ resource: taggable[kind].noun, resource_id: id })
    access.mustChange(ctx, { rule, show: taggable[kind].get }, target)
  }
  const checkTag = (tag: string): void => {
    if (tag.length > TAG_MAX)
      throw faults.InvalidInput({ error_message: `'${tag}' exceeds maximum length of ${TAG_MAX}` })
  }
  const checkCount = (noun: string, count: number): void => {
    if (count > TAGS_MAX)
      throw faults.BadRequest({
        resource: noun,
        msg: `The number of tags exceed the per-resource limit of ${TAGS_MAX}`,
      })
  }
  const read = async (q: Q, id: string): Promise<string[]> => [...((await tagsOf(q, [id])).get(id) ?? [])]
  const write = async (q: Q, id: string, tags: readonly string[]): Promise<void> => {
    for (const tag of new Set(tags)) await insertIfAbsent(q, 'tags', { resource_id: id, tag }, ['resource_id', 'tag'])
  }

  return {
    list: (ctx: Ctx, kind: Taggable, id: string): Promise<string[]> =>
      database.read(ctx, 'list-tags', async q => {
        await find(q, ctx, kind, id, taggable[kind].get)
        return read(q, id)
      }),
    /** @throws TagNotFound */
    show: (ctx: Ctx, kind: Taggable, id: string, tag: string): Promise<void> =>
      database.read(ctx, 'show-tag', async q => {
        await find(q, ctx, kind, id, taggable[kind].get)
        if (!(await read(q, id)).includes(tag)) throw faults.TagNotFound({ tag })
      }),
    /** Puts these on it, and takes all others off when `replace`. All that it has afterwards. */
    put: (
      ctx: Ctx,
      kind: Taggable,
      id: string,
      tags: readonly string[],
      how: 'add' | 'create' | 'replace',
    ): Promise<string[]> =>
      database.tx(ctx, 'put-tags', async q => {
        await find(q, ctx, kind, id, how === 'create' ? taggable[kind].create : taggable[kind].update)
        for (const tag of tags) checkTag(tag)
        const has = how === 'replace' ? [] : await read(q, id)
        checkCount(taggable[kind].noun, new Set([...has, ...tags]).size)
        if (how === 'replace') await q.deleteFrom('tags').where('resource_id', '=', id).execute()
        await write(q, id, tags)
        await revise(q, TABLES[kind], id, clock.now())
        return read(q, id)
      }),
    /** Takes one off, or all. @throws TagNotFound */
    remove: (ctx: Ctx, kind: Taggable, id: string, tag: string | null): Promise<void> =>
      database.tx(ctx, 'delete-tags', async q => {
        await find(q, ctx, kind, id, taggable[kind].remove)
        if (tag !== null && !(await read(q, id)).includes(tag)) throw faults.TagNotFound({ tag })
        const gone = q.deleteFrom('tags').where('resource_id', '=', id)
        await (tag === null ? gone : gone.where('tag', '=', tag)).execute()
        await revise(q, TABLES[kind], id, clock.now())
      }),
  }
}
export type Tags = ReturnType<typeof createTags>
