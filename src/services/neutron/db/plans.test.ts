// No list reads a whole table where a project is asked about, and no page sorts what an index gives in order.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sql } from 'kysely'
import { openSqlite } from '#host/node/sqlite.ts'
import { migrate } from '#kernel/db/migrations.ts'
import { slowPlans } from '#kernel/db/plan.ts'
import { systemClock } from '#kernel/lib/clock.ts'
import { everything } from '#services/neutron/db/listing.ts'
import { migrations } from '#services/neutron/db/migrations.ts'
import { networksDb } from '#services/neutron/db/networks.ts'
import { portsDb } from '#services/neutron/db/ports.ts'
import { floatingIpsDb, ownFloatingIps, ownRouters, routersDb } from '#services/neutron/db/routers.ts'
import { rulesDb, securityGroupsDb } from '#services/neutron/db/security-groups.ts'
import { countOf } from '#services/neutron/db/standard.ts'
import { allocationsDb, subnetsDb } from '#services/neutron/db/subnets.ts'
import type { NeutronTables } from '#services/neutron/db/tables.ts'

const nobody = async (): Promise<never> => {
  throw new Error('no marker')
}

test('what requests ask is found by indexes', async () => {
  const clock = systemClock()
  const statements = new Set<string>()
  const database = openSqlite<NeutronTables>({
    file: ':memory:',
    name: 'neutron',
    clock,
    onStatement: text => statements.add(text),
  })
  await migrate(database, migrations, clock)
  statements.clear()
  const q = database.kysely
  const page = { ...everything, limit: 10 }
  await networksDb.list(q, page, [], nobody)
  await networksDb.subnetIds(q, ['a'])
  await subnetsDb.list(q, page, [], nobody)
  await subnetsDb.ofNetworks(q, ['a'])
  await portsDb.list(q, page, [], nobody)
  await portsDb.list(q, { ...page, filters: { device_id: ['a'] } }, [], nobody)
  await portsDb.list(q, { ...page, filters: { fixed_ips: ['ip_address=1.2.3.4'] } }, [], nobody)
  await portsDb.ofNetwork(q, 'a')
  await portsDb.ofDevice(q, 'a')
  await portsDb.byMac(q, 'a', 'b')
  await portsDb.groupsOf(q, ['a'])
  await allocationsDb.ofPorts(q, ['a'])
  await allocationsDb.highest(q, 'a', '0', 'f')
  await allocationsDb.next(q, 'a', '0', 'f', 5)
  await allocationsDb.ofSubnet(q, 'a')
  await routersDb.list(q, page, [ownRouters('p')], nobody)
  await routersDb.ofSubnet(q, 'a')
  await floatingIpsDb.list(q, page, [ownFloatingIps('p')], nobody)
  await floatingIpsDb.ofPort(q, 'a')
  // What is shared is found by an index of its own, and what a project sees of it is sorted: as with networks.
  await securityGroupsDb.list(q, page, [], nobody)
  await securityGroupsDb.isUsed(q, 'a')
  await securityGroupsDb.portsOf(q, ['a'])
  await rulesDb.ofGroups(q, ['a'])
  for (const table of [
    'networks',
    'subnets',
    'ports',
    'routers',
    'floatingips',
    'security_groups',
    'security_group_rules',
  ] as const)
    await countOf(q, table, 'p')
  await sql`select 1`.execute(q)
  // A list of everything walks its key in order: that is a scan by name only, and ends with the page.
  const slow = (await slowPlans(database, statements)).filter(
    one => !/^SCAN \w+ USING (COVERING )?INDEX sqlite_autoindex/.test(one),
  )
  assert.deepEqual(slow, [])
  await database.close()
})
