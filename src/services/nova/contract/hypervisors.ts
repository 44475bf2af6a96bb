// Hypervisors: what each compute host has and gives. Ids are numbers before 2.53 and UUIDs from then on.
import { get } from '#kernel/contract/route.ts'
import { may, must, object } from '#kernel/contract/shape.ts'
import { any, boolLike, int, intLike, nullable, raw, repeated, text } from '#kernel/contract/shapes.ts'
import { faults } from '#services/nova/contract/faults.ts'
import { rules } from '#services/nova/contract/rules.ts'

const id = raw<number | string>({ type: ['integer', 'string'] })
const servers = may(any)
export const HypervisorSummary = object({
  id: must(id),
  hypervisor_hostname: must(text()),
  state: must(text()),
  status: must(text()),
  servers,
})
/** What Placement tells as well is gone from 2.88 on; uptime came instead. */
export const HypervisorView = object({
  id: must(id),
  hypervisor_hostname: must(text()),
  state: must(text()),
  status: must(text()),
  hypervisor_type: must(text()),
  hypervisor_version: must(int()),
  host_ip: must(text()),
  service: must(any),
  vcpus: must(int()).until('2.87'),
  memory_mb: must(int()).until('2.87'),
  local_gb: must(int()).until('2.87'),
  vcpus_used: must(int()).until('2.87'),
  memory_mb_used: must(int()).until('2.87'),
  local_gb_used: must(int()).until('2.87'),
  free_ram_mb: must(int()).until('2.87'),
  free_disk_gb: must(int()).until('2.87'),
  current_workload: must(int()).until('2.87'),
  running_vms: must(int()).until('2.87'),
  disk_available_least: must(int()).until('2.87'),
  /** A text of JSON before 2.28. */
  cpu_info: must(any).until('2.87'),
  uptime: must(nullable(text())).since('2.88'),
  servers,
})

const listQuery = object(
  {
    limit: may(repeated(intLike({ min: 0 }))).since('2.33'),
    marker: may(repeated(text())).since('2.33'),
    hypervisor_hostname_pattern: may(text({ min: 1, max: 255, pattern: '^[a-zA-Z0-9-._]*$' })).since('2.53'),
    with_servers: may(boolLike).since('2.53'),
  },
  { extra: { refusedFrom: '2.53' } },
)
const missing = [faults.NotFound, faults.BadRequest]
export const hypervisors = {
  list: get('/v2.1/os-hypervisors', { policy: rules.hypervisorsList, query: listQuery, faults: missing }),
  detail: get('/v2.1/os-hypervisors/detail', {
    policy: rules.hypervisorsListDetail,
    query: listQuery,
    faults: missing,
  }),
  statistics: get('/v2.1/os-hypervisors/statistics', { policy: rules.hypervisorsStatistics, until: '2.87' }),
  show: get('/v2.1/os-hypervisors/{id}', {
    policy: rules.hypervisorsShow,
    query: object({ with_servers: may(boolLike).since('2.53') }, { extra: { refusedFrom: '2.53' } }),
    faults: missing,
  }),
  uptime: get('/v2.1/os-hypervisors/{id}/uptime', {
    policy: rules.hypervisorsUptime,
    until: '2.87',
    faults: [...missing, faults.NotSupported],
  }),
  search: get('/v2.1/os-hypervisors/{id}/search', {
    policy: rules.hypervisorsSearch,
    until: '2.52',
    faults: missing,
  }),
  servers: get('/v2.1/os-hypervisors/{id}/servers', {
    policy: rules.hypervisorsServers,
    until: '2.52',
    faults: missing,
  }),
}
