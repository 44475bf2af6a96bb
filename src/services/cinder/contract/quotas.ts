// Quotas of projects, the default class, and the limits that everybody sees of his own project.
import { del, get, put } from '#kernel/contract/route.ts'
import { must, object } from '#kernel/contract/shape.ts'
import { raw } from '#kernel/contract/shapes.ts'
import { faults } from '#services/cinder/contract/faults.ts'
import { rules } from '#services/cinder/contract/rules.ts'
import { listQuery } from '#services/cinder/contract/volumes.ts'

/** Resource → limit as a number or its text; -1 is no limit. Which resources there are is decided by the types that exist. */
const limits = raw<Record<string, number | string | null>>({
  type: 'object',
  minProperties: 1,
  maxProperties: 1000,
  additionalProperties: { type: ['integer', 'string', 'null'] },
})
const at = '/v3/os-quota-sets/{project_id}'
const classAt = '/v3/os-quota-class-sets/{name}'

export const quotas = {
  show: get(at, { policy: rules.quotasShow, judged: 'domain', query: listQuery }),
  defaults: get(`${at}/defaults`, { policy: rules.quotasShow, judged: 'domain' }),
  update: put(at, {
    policy: rules.quotasUpdate,
    body: object({ quota_set: must(limits) }),
    faults: [faults.BadRequest, faults.InvalidInput],
  }),
  remove: del(at, { policy: rules.quotasDelete, status: 200 }),
  showClass: get(classAt, { policy: rules.quotaClassesGet }),
  updateClass: put(classAt, {
    policy: rules.quotaClassesUpdate,
    body: object({ quota_class_set: must(limits) }),
    faults: [faults.BadRequest, faults.InvalidInput],
  }),
  limits: get('/v3/limits', { policy: 'authenticated', query: listQuery, switches: { otherProjects: '3.39' } }),
}
