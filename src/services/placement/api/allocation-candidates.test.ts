import assert from 'node:assert/strict'
import { test } from 'node:test'

import { testPlacement, type TestPlacement } from '#services/placement/test-placement.ts'

const SHARES = 'MISC_SHARES_VIA_AGGREGATE'

interface Found {
  /** Each candidate as `provider.CLASS:amount …`, by the providers' names, sorted. */
  readonly ways: string[]
  readonly mappings: Record<string, string[]>[]
  readonly summaries: string[]
}
/** A searcher that speaks of providers by their names. */
function searcher(t: TestPlacement, names: Readonly<Record<string, string>>) {
  const nameOf = new Map(Object.entries(names).map(([name, id]) => [id, name]))
  const named = (id: string): string => nameOf.get(id) ?? id
  return async (query: string, at?: string): Promise<Found> => {
    const answer = await t.ok(200, 'GET', `/allocation_candidates?${query}`, at === undefined ? {} : { at })
    const { allocation_requests: requests, provider_summaries: summaries } = answer.data as unknown as {
      allocation_requests: {
        allocations: Record<string, { resources: Record<string, number> }>
        mappings?: Record<string, string[]>
      }[]
      provider_summaries: Record<string, unknown>
    }
    return {
      ways: requests
        .map(({ allocations }) =>
          Object.entries(allocations)
            .flatMap(([id, { resources }]) => Object.entries(resources).map(([rc, n]) => `${named(id)}.${rc}:${n}`))
            .sort()
            .join(' '),
        )
        .sort(),
      mappings: requests.map(({ mappings = {} }) =>
        Object.fromEntries(Object.entries(mappings).map(([suffix, ids]) => [suffix, ids.map(named).sort()])),
      ),
      summaries: Object.keys(summaries).map(named).sort(),
    }
  }
}

test('flat hosts: room, traits, aggregates, tree and limit', async () => {
  const t = await testPlacement()
  const [near, far] = [t.newId(), t.newId()]
  const inventories = { VCPU: 8, MEMORY_MB: 1024 }
  const a = await t.provider('a', { inventories, traits: ['HW_CPU_X86_SSE'], aggregates: [near] })
  const b = await t.provider('b', {
    inventories,
    traits: ['HW_CPU_X86_SSE', 'HW_CPU_X86_AVX'],
    aggregates: [near, far],
  })
  const c = await t.provider('c', { inventories: { VCPU: 2, MEMORY_MB: 1024 } })
  const find = searcher(t, { a, b, c })
  const hosts = async (more: string): Promise<string[]> =>
    (await find(`resources=VCPU:4,MEMORY_MB:512${more}`)).ways.map(way => way.slice(0, 1))
  const all = await find('resources=VCPU:4,MEMORY_MB:512')
  assert.deepEqual(all.ways, ['a.MEMORY_MB:512 a.VCPU:4', 'b.MEMORY_MB:512 b.VCPU:4'])
  assert.deepEqual(all.mappings.map(m => m['']?.join()).sort(), ['a', 'b'])
  assert.deepEqual(all.summaries, ['a', 'b'])
  assert.deepEqual(await hosts('&required=HW_CPU_X86_AVX'), ['b'])
  assert.deepEqual(await hosts('&required=!HW_CPU_X86_AVX'), ['a'])
  assert.deepEqual(await hosts('&required=in:HW_CPU_X86_AVX,HW_CPU_X86_AVX2'), ['b'])
  assert.deepEqual(await hosts(`&member_of=${near}&member_of=${far}`), ['b'])
  assert.deepEqual(await hosts(`&member_of=!in:${far},${t.newId()}`), ['a'])
  assert.deepEqual(await hosts(`&member_of=${t.newId()}`), [])
  assert.deepEqual(await hosts(`&in_tree=${b}`), ['b'])
  assert.deepEqual(await hosts(`&in_tree=${t.newId()}`), [])
  assert.deepEqual(await hosts('&root_required=HW_CPU_X86_SSE,!HW_CPU_X86_AVX'), ['a'])
  const one = await find('resources=VCPU:4,MEMORY_MB:512&limit=1')
  assert.deepEqual([one.ways.length, one.summaries.length], [1, 1])
  assert.deepEqual((await find('resources=VCPU:9')).ways, [])
  await t.ok(204, 'PUT', `/allocations/${t.newId()}`, {
    body: { allocations: { [a]: { resources: { VCPU: 5 } } }, project_id: 'p', user_id: 'u' },
    at: '1.12',
  })
  assert.deepEqual(await hosts(''), ['b'])
})

test('what each version shows', async () => {
  const t = await testPlacement()
  const a = await t.provider('a', { inventories: { VCPU: 8, MEMORY_MB: 1024 }, traits: ['HW_CPU_X86_SSE'] })
  const get = async (at: string) => (await t.ok(200, 'GET', '/allocation_candidates?resources=VCPU:1', { at })).data
  await t.ok(404, 'GET', '/allocation_candidates?resources=VCPU:1', { at: '1.9' })
  assert.deepEqual(await get('1.10'), {
    allocation_requests: [{ allocations: [{ resource_provider: { uuid: a }, resources: { VCPU: 1 } }] }],
    provider_summaries: { [a]: { resources: { VCPU: { capacity: 8, used: 0 } } } },
  })
  const keyed = { allocations: { [a]: { resources: { VCPU: 1 } } } }
  assert.deepEqual((await get('1.12'))['allocation_requests'], [keyed])
  assert.deepEqual((await get('1.33'))['allocation_requests'], [keyed])
  assert.deepEqual((await get('1.34'))['allocation_requests'], [{ ...keyed, mappings: { '': [a] } }])
  assert.deepEqual((await get('1.39'))['provider_summaries'], {
    [a]: {
      resources: { VCPU: { capacity: 8, used: 0 }, MEMORY_MB: { capacity: 1024, used: 0 } },
      traits: ['HW_CPU_X86_SSE'],
      parent_provider_uuid: null,
      root_provider_uuid: a,
    },
  })
  for (const [query, since] of [
    ['limit=1', '1.16'],
    ['required=HW_CPU_X86_SSE', '1.17'],
    [`member_of=${a}`, '1.21'],
    ['resources1=VCPU:1', '1.25'],
    [`in_tree=${a}`, '1.31'],
    ['resources_net=VCPU:1', '1.33'],
    ['root_required=HW_CPU_X86_SSE', '1.35'],
    ['resources_a=VCPU:1&same_subtree=_a', '1.36'],
    ['required=in:HW_CPU_X86_SSE', '1.39'],
  ] as const) {
    const before = `1.${Number(since.slice(2)) - 1}`
    await t.ok(400, 'GET', `/allocation_candidates?resources=VCPU:1&${query}`, { at: before })
    await t.ok(200, 'GET', `/allocation_candidates?resources=VCPU:1&${query}`, { at: since })
  }
})

test('a group without a name is spread over a tree and what is shared with it', async () => {
  const t = await testPlacement()
  const group = t.newId()
  const host = await t.provider('host', { aggregates: [group], traits: ['COMPUTE_NODE'] })
  const numa0 = await t.provider('numa0', { parent: host, inventories: { VCPU: 4, MEMORY_MB: 512 } })
  const numa1 = await t.provider('numa1', { parent: host, inventories: { VCPU: 4 }, traits: ['HW_NUMA_ROOT'] })
  const nfs = await t.provider('nfs', { inventories: { DISK_GB: 100 }, traits: [SHARES], aggregates: [group] })
  const flat = await t.provider('flat', { inventories: { VCPU: 4, MEMORY_MB: 512, DISK_GB: 50 }, aggregates: [group] })
  const lone = await t.provider('lone', { inventories: { VCPU: 4, MEMORY_MB: 512 } })
  const find = searcher(t, { host, numa0, numa1, nfs, flat, lone })
  const wanted = 'resources=VCPU:1,MEMORY_MB:64,DISK_GB:10'
  const found = await find(wanted)
  assert.deepEqual(found.ways, [
    'flat.DISK_GB:10 flat.MEMORY_MB:64 flat.VCPU:1',
    'flat.MEMORY_MB:64 flat.VCPU:1 nfs.DISK_GB:10',
    'nfs.DISK_GB:10 numa0.MEMORY_MB:64 numa0.VCPU:1',
    'nfs.DISK_GB:10 numa0.MEMORY_MB:64 numa1.VCPU:1',
  ])
  assert.deepEqual(found.summaries, ['flat', 'host', 'nfs', 'numa0', 'numa1'])
  // Traits are met by those that serve, together; forbidden ones by none of them.
  assert.deepEqual((await find(`${wanted}&required=HW_NUMA_ROOT`)).ways, [
    'nfs.DISK_GB:10 numa0.MEMORY_MB:64 numa1.VCPU:1',
  ])
  assert.equal((await find(`${wanted}&required=!HW_NUMA_ROOT`)).ways.length, 3)
  assert.deepEqual((await find(`${wanted}&required=!${SHARES}`)).ways, [
    'flat.DISK_GB:10 flat.MEMORY_MB:64 flat.VCPU:1',
  ])
  assert.equal((await find(`${wanted}&root_required=COMPUTE_NODE`)).ways.length, 2)
  // Nothing is shared across the border of a tree that was named.
  assert.deepEqual((await find(`${wanted}&in_tree=${numa0}`)).ways, [])
  assert.equal((await find(`resources=VCPU:1&in_tree=${numa0}`)).ways.length, 2)
  // Clients before 1.29 are shown one provider of a tree at most.
  assert.deepEqual((await find('resources=VCPU:1,MEMORY_MB:64', '1.28')).ways, [
    'flat.MEMORY_MB:64 flat.VCPU:1',
    'lone.MEMORY_MB:64 lone.VCPU:1',
    'numa0.MEMORY_MB:64 numa0.VCPU:1',
  ])
  // The same way under two trees is one candidate.
  assert.deepEqual((await find('resources=DISK_GB:60')).ways, ['nfs.DISK_GB:60'])
})

test('groups with a name: one provider each, apart if wished, together within what there is', async () => {
  const t = await testPlacement()
  const host = await t.provider('host', { inventories: { VCPU: 8 } })
  const nic = await t.provider('nic', { parent: host, traits: ['HW_NIC_SRIOV'] })
  const pf0 = await t.provider('pf0', { parent: nic, inventories: { SRIOV_NET_VF: 2 }, traits: ['CUSTOM_LEFT'] })
  const pf1 = await t.provider('pf1', { parent: nic, inventories: { SRIOV_NET_VF: 2 }, traits: ['CUSTOM_RIGHT'] })
  const pf2 = await t.provider('pf2', { parent: host, inventories: { SRIOV_NET_VF: 1 } })
  const find = searcher(t, { host, nic, pf0, pf1, pf2 })
  const two = 'resources=VCPU:1&resources_a=SRIOV_NET_VF:1&resources_b=SRIOV_NET_VF:1'
  const apart = await find(`${two}&group_policy=isolate`)
  assert.equal(apart.ways.length, 6)
  const anyhow = await find(`${two}&group_policy=none`)
  assert.equal(anyhow.ways.length, 8) // pf2 has one only
  assert.ok(anyhow.ways.includes('host.VCPU:1 pf0.SRIOV_NET_VF:2'))
  assert.ok(!anyhow.ways.includes('host.VCPU:1 pf2.SRIOV_NET_VF:2'))
  const leftRight = await find(`${two}&required_a=CUSTOM_LEFT&required_b=CUSTOM_RIGHT&group_policy=none`)
  assert.deepEqual(leftRight.mappings, [{ '': ['host'], _a: ['pf0'], _b: ['pf1'] }])
  // Both below one of them: the nic, which gives nothing itself.
  const under = `required_nic=HW_NIC_SRIOV&same_subtree=_nic,_a&resources_a=SRIOV_NET_VF:1&group_policy=none`
  assert.deepEqual((await find(`resources=VCPU:1&${under}`)).mappings.map(m => m['_a']?.join()).sort(), ['pf0', 'pf1'])
  assert.equal((await find(`${under}&required_a=!CUSTOM_LEFT`)).ways.length, 1)
  assert.equal(
    (await find(`resources=VCPU:1&resources_a=SRIOV_NET_VF:1&in_tree_a=${pf2}&group_policy=none`)).ways.length,
    3,
  )
})

test('the order in which trees come, and limits of ours', async () => {
  const trees = async (settings: NonNullable<Parameters<typeof testPlacement>[0]>['settings'] & object) => {
    const t = await testPlacement({ settings })
    const names: Record<string, string> = {}
    for (const host of ['a', 'b']) {
      const id = (names[host] = await t.provider(host, { inventories: { VCPU: 4 } }))
      for (const n of [1, 2])
        names[`${host}${n}`] = await t.provider(`${host}${n}`, { parent: id, inventories: { VGPU: 1 } })
    }
    const find = searcher(t, names)
    return (await find('resources=VCPU:1,VGPU:1&limit=2')).summaries
  }
  assert.equal((await trees({})).length, 3)
  assert.equal((await trees({ allocationCandidatesGenerationStrategy: 'breadth-first' })).length, 6)
  assert.equal((await trees({ maxAllocationCandidates: 1 })).length, 3)
  assert.ok((await trees({ randomizeAllocationCandidates: true })).length >= 3)
})

test('queries that mean nothing', async () => {
  const t = await testPlacement()
  const bad = async (query: string, at = '1.39'): Promise<string> =>
    (await t.ok(400, 'GET', `/allocation_candidates?${query}`, { at })).says
  assert.match(await bad(''), /There must be at least one resources or resources\[\$S\] parameter/)
  assert.match(await bad('', '1.10'), /'resources' is a required property/)
  assert.match(await bad('', '1.25'), /At least one request group/)
  assert.match(
    await bad('resources=COWS:1'),
    /Invalid resource class in resources parameter: No such resource class COWS/,
  )
  assert.match(await bad('resources=VCPU:x'), /expected positive integer amount. Got: x/)
  assert.match(await bad('resources=VCPU:1:2'), /Badly formed resources parameter/)
  assert.match(await bad('resources=VCPU:1&required=NO_SUCH'), /No such trait\(s\): NO_SUCH/)
  assert.match(
    await bad('resources=VCPU:1&required=HW_CPU_X86_SSE,'),
    /Expected 'required' parameter value of the form/,
  )
  assert.match(await bad('resources=VCPU:1&required=in:,A'), /Got an empty trait in/)
  assert.match(
    await bad('resources=VCPU:1&required=HW_CPU_X86_SSE,!HW_CPU_X86_SSE'),
    /Conflicting required and forbidden/,
  )
  assert.match(await bad('resources=VCPU:1&member_of=a,b'), /must be prefixed with the 'in:'/)
  assert.match(await bad('resources=VCPU:1&in_tree=x'), /Expected 'in_tree' parameter to be a format of uuid/)
  assert.match(await bad('resources=VCPU:1&limit=0'), /'0' does not match/)
  assert.match(await bad('resources=VCPU:1&limit=x&limit=1'), /'x' does not match/)
  assert.match(await bad('resources=VCPU:1&group_policy=bogus'), /'bogus' is not one of \['none', 'isolate'\]/)
  assert.match(await bad('resources1=VCPU:1&resources2=VCPU:1'), /"group_policy" parameter is required/)
  assert.match(await bad('resources=VCPU:1&root_required=A&root_required=B'), /may be specified only once/)
  assert.match(await bad('resources=VCPU:1&same_subtree=,'), /Empty string \(unsuffixed group\)/)
  assert.match(await bad('resources=VCPU:1&same_subtree=_x'), /Real suffixes should be specified/)
  assert.match(await bad('resources=VCPU:1&required_x=HW_CPU_X86_SSE'), /Resourceless suffixed group/)
  assert.match(await bad('resources=VCPU:1&required1=HW_CPU_X86_SSE', '1.25'), /orphaned traits keys: required1/)
  assert.match(await bad('resources=VCPU:1&resources@=VCPU:1'), /'resources@' does not match any of the regexes/)
})
