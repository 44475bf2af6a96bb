// Neutron's migrations, in order.
import type { Migration } from '#kernel/db/migrations.ts'
import { first } from '#services/neutron/db/migrations/0001-first.ts'
import { portBindings } from '#services/neutron/db/migrations/0010-port-bindings.ts'
import { sharing } from '#services/neutron/db/migrations/0011-sharing.ts'
import { routing } from '#services/neutron/db/migrations/0012-routing.ts'
import { moreNouns } from '#services/neutron/db/migrations/0013-more-nouns.ts'
import { dns } from '#services/neutron/db/migrations/0014-dns.ts'
import { schedules } from '#services/neutron/db/migrations/0003-schedules.ts'
import { subnetPools } from '#services/neutron/db/migrations/0002-subnet-pools.ts'
import { qos } from '#services/neutron/db/migrations/0020-qos.ts'
import { trunks } from '#services/neutron/db/migrations/0021-trunks.ts'

export const migrations: readonly Migration[] = [
  first,
  subnetPools,
  schedules,
  portBindings,
  sharing,
  routing,
  moreNouns,
  dns,
  qos,
  trunks,
]
