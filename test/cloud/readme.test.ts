// The table of the README says what is built: its numbers are those of the routes.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { createCloud } from '#main/library.ts'
import { surface as cinder } from '#services/cinder/contract/surface.ts'
import { surface as glance } from '#services/glance/contract/surface.ts'
import { surface as keystone } from '#services/keystone/contract/surface.ts'
import { surface as neutron } from '#services/neutron/contract/surface.ts'
import { surface as nova } from '#services/nova/contract/surface.ts'
import { surface as placement } from '#services/placement/contract/surface.ts'

test('both READMEs count the operations that are built', async () => {
  await using cloud = await createCloud({ hypervisor: 'simulated', network: 'simulated' })
  const routes = cloud.control.routes()
  const texts = ['README.md', 'README.ja.md'].map(name =>
    readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8'),
  )
  for (const [name, surface] of Object.entries({ keystone, glance, placement, nova, neutron, cinder })) {
    const missing = routes.filter(row => row.service === name && !row.built).length
    const counted = new RegExp(`^\\|.*${name}.* ${surface.length - missing} (of|/) ${surface.length} +\\|$`, 'im')
    for (const text of texts) assert.match(text, counted, `${name}: ${surface.length - missing} of ${surface.length}`)
  }
})
