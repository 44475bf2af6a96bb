// Tasks: what became of imports; and, for administrators, the older way of asking for one.
import type { Ctx } from '#kernel/lib/context.ts'
import { faults } from '#services/glance/contract/faults.ts'
import { tasksDb, type Task } from '#services/glance/db/tasks.ts'
import type { AccessTools } from '#services/glance/domain/access.ts'
import { holdImage } from '#services/glance/domain/access.ts'
import { rules } from '#services/glance/contract/rules.ts'
import type { ImagesDomain } from '#services/glance/domain/images.ts'
import type { ImportsDomain } from '#services/glance/domain/imports.ts'

export interface TaskQuery {
  readonly limit?: string | undefined
  readonly marker?: string | undefined
  readonly sort_key?: string | undefined
  readonly sort_dir?: string | undefined
  readonly status?: string | undefined
  readonly type?: string | undefined
  readonly owner?: string | undefined
}
const COLUMNS = ['created_at', 'updated_at', 'id', 'type', 'status', 'owner', 'expires_at']
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
type Given = Readonly<Record<string, unknown>>

export const createTasksDomain = (
  tools: AccessTools & {
    readonly defaultLimit: number
    readonly maxLimit: number
    readonly images: Pick<ImagesDomain, 'create'>
    readonly imports: Pick<ImportsDomain, 'fetchFor' | 'demandUri'>
  },
) => ({
  /** Throws 400 for values that make no sense. */
  async list(ctx: Ctx, query: TaskQuery): Promise<{ tasks: Task[]; more: boolean }> {
    const direction = query.sort_dir ?? 'desc'
    if (direction !== 'asc' && direction !== 'desc')
      throw faults.BadRequest({ reason: `Invalid sort direction: ${direction}` })
    const column = query.sort_key ?? 'created_at'
    if (!COLUMNS.includes(column)) throw faults.BadRequest({ reason: `Invalid sort key: ${column}` })
    const { status, type, owner } = query
    if (status !== undefined && !['pending', 'processing', 'success', 'failure'].includes(status))
      throw faults.BadRequest({ reason: `Invalid status value: ${status}` })
    if (type !== undefined && type !== 'import') throw faults.BadRequest({ reason: `Invalid type value: ${type}` })
    const marker = query.marker === undefined || query.marker === '' ? null : query.marker
    if (marker !== null && !UUID.test(marker)) throw faults.BadRequest({ reason: 'Invalid marker format' })
    if (query.limit !== undefined && !/^-?\d{1,9}$/.test(query.limit))
      throw faults.BadRequest({ reason: 'limit param must be an integer' })
    const limit = Math.min(Number(query.limit ?? tools.defaultLimit), tools.maxLimit)
    if (limit < 0) throw faults.BadRequest({ reason: 'limit param must be positive' })
    if (limit === 0) return { tasks: [], more: false }
    const equal = {
      ...(status === undefined ? {} : { status }),
      ...(type === undefined ? {} : { type }),
      ...(owner === undefined ? {} : { owner }),
    }
    const mine = ctx.who?.roles.includes('admin') === true ? null : (ctx.who?.projectId ?? '')
    const rows = await tools.database.read(ctx, 'list-tasks', q =>
      tasksDb(q).list({ owner: mine, equal }, { column, direction, marker, limit }),
    )
    if (rows === undefined) throw faults.BadRequest({ reason: `Task ${marker ?? ''} could not be found.` })
    return { tasks: rows.slice(0, limit), more: rows.length > limit }
  },
  async show(ctx: Ctx, id: string): Promise<Task> {
    const task = UUID.test(id) ? await tools.database.read(ctx, 'find-task', q => tasksDb(q).byId(id)) : undefined
    const admin = ctx.who?.roles.includes('admin') === true
    if (task === undefined || (!admin && task.owner !== ctx.who?.projectId))
      throw faults.NotFound({ reason: `No task found with ID ${id}` })
    return task
  },
  async ofImage(ctx: Ctx, imageId: string): Promise<Task[]> {
    const { image } = await holdImage(tools, ctx, imageId, rules.getImage)
    const all = await tools.database.read(ctx, 'tasks-of-image', q => tasksDb(q).ofImage(image.id))
    return ctx.who?.roles.includes('admin') === true ? all : all.filter(one => one.owner === ctx.who?.projectId)
  },
  /** An image is made and its bytes are fetched. Throws 400, 403, 413. */
  async create(ctx: Ctx, body: Given): Promise<Task> {
    for (const name of ['type', 'input'])
      if (!(name in body)) throw faults.BadRequest({ reason: `Task '${name}' is required` })
    if (body['type'] !== 'import')
      throw faults.BadRequest({ reason: `Tasks of type ${String(body['type'])} cannot be asked for.` })
    const input = (body['input'] ?? {}) as Given
    for (const name of ['import_from', 'import_from_format', 'image_properties'])
      if (input[name] === undefined) throw faults.BadRequest({ reason: `Input does not contain '${name}' field` })
    const properties = input['image_properties']
    if (typeof properties !== 'object' || properties === null || Array.isArray(properties))
      throw faults.BadRequest({ reason: `Input 'image_properties' must be an object` })
    tools.imports.demandUri(input['import_from'])
    const format = input['import_from_format']
    if (typeof format !== 'string') throw faults.BadRequest({ reason: `Input 'import_from_format' must be a string` })
    for (const [name, value] of Object.entries(properties))
      if (value !== null && typeof value !== 'string' && !['min_disk', 'min_ram', 'protected', 'tags'].includes(name))
        throw faults.BadRequest({ reason: `Invalid value for ${name}: it must be a string.` })
    const made = await tools.images.create(ctx, { container_format: 'bare', ...properties, disk_format: format })
    return tools.imports.fetchFor(ctx, made.image, 'import', input, input['import_from'] as string)
  },
})
export type TasksDomain = ReturnType<typeof createTasksDomain>
