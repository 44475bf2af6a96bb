// Availability zones: names that groups of hosts go by.
import { get } from '#kernel/contract/route.ts'
import { rules } from '#services/nova/contract/rules.ts'

export const availabilityZones = {
  list: get('/v2.1/os-availability-zone', { policy: rules.availabilityZoneList }),
  detail: get('/v2.1/os-availability-zone/detail', { policy: rules.availabilityZoneDetail }),
}
