// Import, tasks, the store and the cache over HTTP.
import { Fault } from '#kernel/contract/fault.ts'
import { handlers, type HandlerTable } from '#kernel/http/handlers.ts'
import { isoSeconds } from '#kernel/lib/clock.ts'
import { collection } from '#services/glance/api/about.ts'
import { announcedBytes, demandOctets } from '#services/glance/api/octets.ts'
import { cache, imports, shortTaskSchema, STORE, stores, tasks, taskSchema } from '#services/glance/contract/imports.ts'
import type { Task } from '#services/glance/db/tasks.ts'
import type { CacheDomain } from '#services/glance/domain/cache.ts'
import type { ImportsDomain } from '#services/glance/domain/imports.ts'
import type { StoresDomain } from '#services/glance/domain/stores.ts'
import type { TasksDomain, TaskQuery } from '#services/glance/domain/tasks.ts'

const shortView = (task: Task): Record<string, unknown> => ({
  id: task.id,
  type: task.type,
  status: task.status,
  owner: task.owner,
  created_at: isoSeconds(task.createdAt),
  updated_at: isoSeconds(task.updatedAt),
  self: `/v2/tasks/${task.id}`,
  schema: '/v2/schemas/task',
  ...(task.expiresAt === null ? {} : { expires_at: isoSeconds(task.expiresAt) }),
})
const view = (task: Task): Record<string, unknown> => ({
  ...shortView(task),
  input: task.input,
  result: task.result,
  message: task.message,
  ...(task.imageId === null ? {} : { image_id: task.imageId }),
  ...(task.requestId === null ? {} : { request_id: task.requestId }),
  ...(task.userId === null ? {} : { user_id: task.userId }),
})

export const importHandlers = (domain: ImportsDomain, tasksOf: TasksDomain['ofImage']): HandlerTable =>
  handlers(imports, {
    stage: call => {
      demandOctets(call.headers)
      return domain.stage(call.ctx, call.params.id, call.stream, announcedBytes(call.headers))
    },
    importImage: call => domain.importImage(call.ctx, call.params.id, call.body, call.headers['x-image-meta-store']),
    tasksOfImage: async call => ({ tasks: (await tasksOf(call.ctx, call.params.id)).map(view) }),
  })

export const taskHandlers = (domain: TasksDomain): HandlerTable =>
  handlers(tasks, {
    list: async call => {
      const { tasks: found, more } = await domain.list(call.ctx, call.query as TaskQuery)
      const link = (marker: string | null): string => {
        const query = new URLSearchParams(call.rawQuery)
        query.delete('marker')
        if (marker !== null) query.set('marker', marker)
        const text = query.toString()
        return text === '' ? '/v2/tasks' : `/v2/tasks?${text}`
      }
      return {
        tasks: found.map(shortView),
        first: link(null),
        schema: '/v2/schemas/tasks',
        ...(more ? { next: link(found.at(-1)?.id ?? null) } : {}),
      }
    },
    create: async call => {
      const made = await domain.create(call.ctx, call.body)
      call.header('location', `/v2/tasks/${made.id}`)
      return view(made)
    },
    show: async call => view(await domain.show(call.ctx, call.params.id)),
    remove: () => {
      throw new Fault(
        'MethodNotAllowed',
        405,
        'This operation is currently not permitted on Glance Tasks. They are auto deleted after reaching the time based on their expires_at property.',
        { headers: { allow: 'GET' } },
      )
    },
    schema: () => taskSchema,
    listSchema: () =>
      collection('tasks', 'tasks', shortTaskSchema, [
        { rel: 'first', href: '{first}' },
        { rel: 'next', href: '{next}' },
        { rel: 'describedby', href: '{schema}' },
      ]),
  })

/** `store`: what the one store is, for those who run the cloud. */
export const storeHandlers = (
  domain: StoresDomain,
  store: { readonly type: string; readonly properties: Readonly<Record<string, unknown>> },
): HandlerTable => {
  const short = { id: STORE, description: "The cloud's own image store", default: 'true' }
  return handlers(stores, {
    list: () => ({ stores: [short] }),
    detail: () => ({ stores: [{ ...short, type: store.type, properties: store.properties, weight: 0 }] }),
    usage: async call => ({ usage: await domain.usage(call.ctx) }),
    removeFrom: call => domain.removeFrom(call.ctx, call.params.store, call.params.id),
    locations: call => domain.locations(call.ctx, call.params.id),
    addLocation: call => domain.addLocation(call.ctx, call.params.id, call.body),
  })
}

export const cacheHandlers = (domain: CacheDomain): HandlerTable =>
  handlers(cache, {
    list: async call => {
      const all = await domain.list(call.ctx)
      return {
        cached_images: all
          .filter(one => one.state === 'cached')
          .map(one => ({
            image_id: one.imageId,
            hits: one.hits,
            last_accessed: one.lastAccessed / 1000,
            last_modified: one.lastModified / 1000,
            size: one.size,
          })),
        queued_images: all.filter(one => one.state === 'queued').map(one => one.imageId),
      }
    },
    clear: call => domain.clear(call.ctx, (call.headers['x-image-cache-clear-target'] ?? '').toLowerCase()),
    queue: call => domain.queue(call.ctx, call.params.id),
    remove: call => domain.remove(call.ctx, call.params.id),
    clean: call => domain.clean(call.ctx),
    prune: async call => {
      const pruned = await domain.prune(call.ctx)
      return { total_files_pruned: pruned.files, total_bytes_pruned: pruned.bytes }
    },
  })
