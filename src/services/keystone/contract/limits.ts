// Limits kept centrally: what a service registers for all, and what single projects or domains have instead.
import { del, get, patch, post } from '#kernel/contract/route.ts'
import { may, must, object } from '#kernel/contract/shape.ts'
import { int, list, nullable, uuid } from '#kernel/contract/shapes.ts'
import { faults } from '#services/keystone/contract/faults.ts'
import { rules } from '#services/keystone/contract/rules.ts'
import { freeText, idText, listQueryShape, longName, regionId } from '#services/keystone/contract/shapes.ts'

const amount = int({ min: -1, max: 2_147_483_647 })

export const registeredLimits = {
  list: get('/v3/registered_limits', { policy: rules.listRegisteredLimits, query: listQueryShape }),
  create: post('/v3/registered_limits', {
    policy: rules.createRegisteredLimits,
    body: object({
      registered_limits: must(
        list(
          object({
            service_id: must(uuid),
            region_id: may(nullable(regionId)),
            resource_name: must(longName),
            default_limit: must(amount),
            description: may(freeText),
          }),
          { min: 1, max: 1000 },
        ),
      ),
    }),
    faults: [faults.Conflict, faults.Expecting],
  }),
  show: get('/v3/registered_limits/{registered_limit_id}', {
    policy: rules.getRegisteredLimit,
    faults: [faults.RegisteredLimitNotFound],
  }),
  update: patch('/v3/registered_limits/{registered_limit_id}', {
    policy: rules.updateRegisteredLimit,
    body: object({
      registered_limit: must(
        object({
          service_id: may(uuid),
          region_id: may(nullable(regionId)),
          resource_name: may(longName),
          default_limit: may(amount),
          description: may(freeText),
        }),
      ),
    }),
    faults: [faults.RegisteredLimitNotFound, faults.RegisteredLimitInUse, faults.Conflict, faults.Expecting],
  }),
  remove: del('/v3/registered_limits/{registered_limit_id}', {
    policy: rules.deleteRegisteredLimit,
    faults: [faults.RegisteredLimitNotFound, faults.RegisteredLimitInUse],
  }),
}

export const limits = {
  model: get('/v3/limits/model', { policy: rules.getLimitModel }),
  list: get('/v3/limits', { policy: rules.listLimits, query: listQueryShape }),
  create: post('/v3/limits', {
    policy: rules.createLimits,
    body: object({
      limits: must(
        list(
          object({
            service_id: must(uuid),
            region_id: may(nullable(regionId)),
            resource_name: must(longName),
            resource_limit: must(amount),
            project_id: may(nullable(idText)),
            domain_id: may(nullable(idText)),
            description: may(freeText),
          }),
          { min: 1, max: 1000 },
        ),
      ),
    }),
    faults: [faults.Conflict, faults.Expecting, faults.NoLimitReference, faults.ValidationError],
  }),
  show: get('/v3/limits/{limit_id}', {
    policy: rules.getLimit,
    judged: 'domain',
    faults: [faults.LimitNotFound],
  }),
  update: patch('/v3/limits/{limit_id}', {
    policy: rules.updateLimit,
    body: object({ limit: must(object({ resource_limit: may(amount), description: may(freeText) })) }),
    faults: [faults.LimitNotFound],
  }),
  remove: del('/v3/limits/{limit_id}', { policy: rules.deleteLimit, faults: [faults.LimitNotFound] }),
}
