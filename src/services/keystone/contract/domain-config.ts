// Settings that a domain may have of its own, as data: which driver keeps its users, and how a directory is reached.
import { del, get, patch, put } from '#kernel/contract/route.ts'
import { must, object } from '#kernel/contract/shape.ts'
import { dict, any } from '#kernel/contract/shapes.ts'
import { faults } from '#services/keystone/contract/faults.ts'
import { rules } from '#services/keystone/contract/rules.ts'

const Config = object({ config: must(dict(any)) })
const found = [faults.DomainNotFound, faults.DomainConfigNotFound, faults.InvalidDomainConfig]

export const domainConfig = {
  defaults: get('/v3/domains/config/default', { policy: rules.getDomainConfigDefault }),
  groupDefaults: get('/v3/domains/config/{group}/default', {
    policy: rules.getDomainConfigDefault,
    faults: [faults.InvalidDomainConfig],
  }),
  optionDefault: get('/v3/domains/config/{group}/{option}/default', {
    policy: rules.getDomainConfigDefault,
    faults: [faults.InvalidDomainConfig],
  }),
  create: put('/v3/domains/{domain_id}/config', {
    policy: rules.createDomainConfig,
    body: Config,
    status: 201,
    faults: found,
  }),
  // One group, `security_compliance`, is for everybody to read.
  show: get('/v3/domains/{domain_id}/config', { policy: rules.getDomainConfig, judged: 'domain', faults: found }),
  showGroup: get('/v3/domains/{domain_id}/config/{group}', {
    policy: rules.getDomainConfig,
    judged: 'domain',
    faults: found,
  }),
  showOption: get('/v3/domains/{domain_id}/config/{group}/{option}', {
    policy: rules.getDomainConfig,
    judged: 'domain',
    faults: found,
  }),
  update: patch('/v3/domains/{domain_id}/config', { policy: rules.updateDomainConfig, body: Config, faults: found }),
  updateGroup: patch('/v3/domains/{domain_id}/config/{group}', {
    policy: rules.updateDomainConfig,
    body: Config,
    faults: found,
  }),
  updateOption: patch('/v3/domains/{domain_id}/config/{group}/{option}', {
    policy: rules.updateDomainConfig,
    body: Config,
    faults: found,
  }),
  remove: del('/v3/domains/{domain_id}/config', { policy: rules.deleteDomainConfig, faults: found }),
  removeGroup: del('/v3/domains/{domain_id}/config/{group}', { policy: rules.deleteDomainConfig, faults: found }),
  removeOption: del('/v3/domains/{domain_id}/config/{group}/{option}', {
    policy: rules.deleteDomainConfig,
    faults: found,
  }),
}
