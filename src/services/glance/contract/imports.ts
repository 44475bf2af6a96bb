// Import, stores, locations, tasks and the cache: shapes and routes.
import { del, get, post, put } from '#kernel/contract/route.ts'
import { may, must, object } from '#kernel/contract/shape.ts'
import { any, nullable, raw, repeated, text } from '#kernel/contract/shapes.ts'
import type { JsonSchema } from '#kernel/contract/shape.ts'
import { rules } from '#services/glance/contract/rules.ts'

/** The one store's name, as clients say it. */
export const STORE = 'file'
export const IMPORT_METHODS = ['glance-direct', 'web-download', 'copy-image'] as const
/** Properties that Glance writes begin so: nobody else may. */
export const RESERVED_NAMESPACE = 'os_glance'

export const imports = {
  stage: put('/v2/images/{id}/stage', { policy: rules.modifyImage, stream: 'in', status: 204 }),
  importImage: post('/v2/images/{id}/import', {
    policy: rules.getImage,
    body: raw<Readonly<Record<string, unknown>>>({ type: 'object' }),
    status: 202,
  }),
  tasksOfImage: get('/v2/images/{id}/tasks', { policy: rules.getImage }),
}

export const stores = {
  list: get('/v2/info/stores', { policy: 'authenticated' }),
  detail: get('/v2/info/stores/detail', { policy: rules.storesInfoDetail }),
  usage: get('/v2/info/usage', { policy: 'authenticated' }),
  removeFrom: del('/v2/stores/{store}/{id}', { policy: rules.deleteImageLocation, judged: 'domain' }),
  locations: get('/v2/images/{id}/locations', { policy: rules.fetchImageLocation, judged: 'domain' }),
  addLocation: post('/v2/images/{id}/locations', {
    policy: rules.addImageLocation,
    judged: 'domain',
    status: 202,
    body: object({
      url: must(text({ max: 4096 })),
      validation_data: may(
        nullable(
          raw<{ os_hash_algo?: string; os_hash_value?: string }>({
            type: 'object',
            additionalProperties: false,
            properties: {
              os_hash_algo: { type: 'string', maxLength: 64, enum: ['sha1', 'sha256', 'sha512', 'md5'] },
              os_hash_value: { type: 'string', maxLength: 128 },
            },
            dependentRequired: { os_hash_value: ['os_hash_algo'], os_hash_algo: ['os_hash_value'] },
          }),
        ),
      ),
    }),
  }),
}

const taskFields: Record<string, JsonSchema> = {
  id: {
    description: 'An identifier for the task',
    pattern: '^([0-9a-fA-F]){8}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){12}$',
    type: 'string',
  },
  type: {
    description: 'The type of task represented by this content',
    enum: ['import', 'api_image_import', 'location_import'],
    type: 'string',
  },
  status: {
    description: 'The current status of this task',
    enum: ['pending', 'processing', 'success', 'failure'],
    type: 'string',
  },
  input: { description: 'The parameters required by task, JSON blob', type: ['null', 'object'] },
  result: { description: 'The result of current task, JSON blob', type: ['null', 'object'] },
  owner: { description: 'An identifier for the owner of this task', type: 'string' },
  message: {
    description: 'Human-readable informative message only included when appropriate (usually on failure)',
    type: 'string',
  },
  image_id: { description: 'Image associated with the task', type: 'string' },
  request_id: { description: 'Human-readable informative request-id', type: 'string' },
  user_id: { description: 'User associated with the task', type: 'string' },
  expires_at: {
    description: 'Datetime when this resource would be subject to removal',
    type: ['null', 'string'],
  },
  created_at: { description: 'Datetime when this resource was created', type: 'string' },
  updated_at: { description: 'Datetime when this resource was updated', type: 'string' },
  self: { readOnly: true, type: 'string' },
  schema: { readOnly: true, type: 'string' },
}
export const taskSchema: JsonSchema = { name: 'task', properties: taskFields, additionalProperties: false }
const { input: _input, result: _result, message: _message, ...shortFields } = taskFields
export const shortTaskSchema: JsonSchema = { name: 'task', properties: shortFields, additionalProperties: false }

export const tasks = {
  list: get('/v2/tasks', {
    policy: rules.tasksApiAccess,
    query: object(
      {
        limit: may(text({ max: 255 })),
        marker: may(text({ max: 255 })),
        sort_key: may(text({ max: 255 })),
        sort_dir: may(text({ max: 255 })),
        status: may(text({ max: 255 })),
        type: may(text({ max: 255 })),
        owner: may(text({ max: 255 })),
        tag: may(repeated(text({ max: 255 }))),
      },
      { extra: true },
    ),
  }),
  create: post('/v2/tasks', {
    policy: rules.tasksApiAccess,
    body: raw<Readonly<Record<string, unknown>>>({ type: 'object', ...taskSchema }),
  }),
  show: get('/v2/tasks/{id}', { policy: rules.tasksApiAccess }),
  remove: del('/v2/tasks/{id}', { policy: rules.tasksApiAccess }),
  schema: get('/v2/schemas/task', { policy: 'authenticated', reply: any }),
  listSchema: get('/v2/schemas/tasks', { policy: 'authenticated', reply: any }),
}

export const cache = {
  list: get('/v2/cache', { policy: rules.cacheList }),
  clear: del('/v2/cache', { policy: rules.cacheDelete }),
  queue: put('/v2/cache/{id}', { policy: rules.cacheImage, status: 202, bodyOptional: true }),
  remove: del('/v2/cache/{id}', { policy: rules.cacheDelete }),
  clean: post('/v2/cache/clean', { policy: rules.cacheClean, status: 200, bodyOptional: true }),
  prune: post('/v2/cache/prune', { policy: rules.cachePrune, status: 200, bodyOptional: true }),
}
