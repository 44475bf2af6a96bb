// Groups, their snapshots, and consistency groups over HTTP.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { admin, member, P1, stranger, testCinder, type TestCinder } from '#services/cinder/service-for-tests.ts'

type Bag = Record<string, never>
let t: TestCinder
let kind = ''
before(async () => {
  t = await testCinder({ settings: { quotaGroups: '4' } })
  kind = String(bag(await ask('POST', '/group_types', { group_type: { name: 'kind' } }), 'group_type')['id'])
})
after(async () => {
  assert.deepEqual(await t.cinder.audit(), [])
  assert.deepEqual((await t.call('GET', '/v3/volumes', { token: admin })).json, { volumes: [] })
  await t.close()
})
const as =
  (token: string) =>
  (method: string, path: string, body?: unknown, at = '3.70') =>
    t.call(method, `/v3${path}`, { token, at, ...(body === undefined ? {} : { body }) })
const ask = (...args: Parameters<ReturnType<typeof as>>) => as(admin)(...args)
const mine = as(member)
const says = (answer: { json: never }): string =>
  Object.values((answer.json ?? {}) as Record<string, { message: string }>)[0]?.message ?? ''
const bag = (answer: { json: never }, key: string): Bag => (answer.json as Record<string, Bag>)[key] as Bag
/** The thing when it is no longer on its way; undefined when it is gone. */
const settled = async (path: string, key: string): Promise<Bag | undefined> => {
  const found = await t.until<{ thing?: Bag }>(async () => {
    const answer = await ask('GET', path)
    if (answer.status === 404) return {}
    const thing = bag(answer, key)
    return ['creating', 'deleting'].includes(String(thing['status'])) ? undefined : { thing }
  }, path)
  return found.thing
}
const newGroup = async (name: string, kindOf = kind): Promise<string> => {
  const made = await mine('POST', '/groups', { group: { name, group_type: kindOf, volume_types: ['__DEFAULT__'] } })
  assert.equal(made.status, 202, says(made))
  const id = String(bag(made, 'group')['id'])
  assert.equal((await settled(`/groups/${id}`, 'group'))?.['status'], 'available')
  return id
}
const newVolume = async (group: string | null): Promise<string> => {
  const made = await mine('POST', '/volumes', {
    volume: { size: 1, volume_type: '__DEFAULT__', ...(group === null ? {} : { group_id: group }) },
  })
  assert.equal(made.status, 202, says(made))
  const id = String(bag(made, 'volume')['id'])
  assert.equal((await t.settled(id))?.['status'], 'available')
  return id
}
const act = (id: string, verb: string, what: object, at?: string, who = mine) =>
  who('POST', `/groups/${id}/action`, { [verb]: what }, at)
const drop = async (id: string): Promise<void> => {
  const answer = await act(id, 'delete', { 'delete-volumes': true })
  assert.equal(answer.status, 202, says(answer))
  assert.equal(await settled(`/groups/${id}`, 'group'), undefined)
}

test('a group is made, shown, listed, changed and removed with its volumes', async () => {
  const id = await newGroup('one')
  const shown = bag(await mine('GET', `/groups/${id}`), 'group')
  assert.deepEqual([shown['group_type'], shown['replication_status'], shown['group_snapshot_id']], [
    kind,
    'disabled',
    null,
  ] as never)
  assert.equal((shown as Record<string, unknown>)['project_id'], undefined)
  assert.equal(bag(await ask('GET', `/groups/${id}`), 'group')['project_id'], P1)
  const older = bag(await ask('GET', `/groups/${id}?list_volume=true`, undefined, '3.13'), 'group') as object
  for (const later of ['group_snapshot_id', 'volumes', 'replication_status', 'project_id'])
    assert.ok(!(later in older), later)
  assert.equal((await mine('GET', '/groups', undefined, '3.12')).status, 404)
  assert.equal((await as(stranger)('GET', `/groups/${id}`)).status, 404)
  assert.equal((await as(stranger)('PUT', `/groups/${id}`, { group: { name: 'x' } })).status, 404)
  assert.equal((await mine('GET', '/groups/no')).status, 404)

  const inside = await newVolume(id)
  const outside = await newVolume(null)
  assert.deepEqual(bag(await mine('GET', `/groups/${id}?list_volume=true`), 'group')['volumes'], [inside])
  assert.equal(bag(await mine('GET', `/volumes/${inside}`), 'volume')['group_id'], id)
  const filtered = (await mine('GET', `/volumes?group_id=${id}`)).json as { volumes: Bag[] }
  assert.deepEqual(
    filtered.volumes.map(one => one['id']),
    [inside] as never,
  )
  const refused = await mine('DELETE', `/volumes/${inside}`)
  assert.deepEqual([refused.status, /belong to a group/.test(says(refused))], [400, true])
  assert.equal((await act(id, 'delete', {})).status, 400)
  // what belongs to a group is neither handed over nor changed as a whole
  assert.equal((await mine('POST', '/volume-transfers', { transfer: { volume_id: inside } })).status, 400)
  const retype = { 'os-retype': { new_type: 'lvmdriver-1', migration_policy: 'never' } }
  assert.equal((await mine('POST', `/volumes/${inside}/action`, retype)).status, 400)

  for (const [change, text] of [
    [{ add_volumes: outside, remove_volumes: outside }, 'are in both add and remove'],
    [{ add_volumes: 'no' }, 'cannot be found'],
    [{ remove_volumes: outside }, 'not in the group'],
    [{ name: 'one' }, 'no valid name, description'],
    [{ add_volumes: inside }, 'no valid name, description'],
  ] as const) {
    const bad = await mine('PUT', `/groups/${id}`, { group: change })
    assert.equal(bad.status, 400, JSON.stringify(change))
    assert.match(says(bad), new RegExp(text))
  }
  for (const bad of [{}, { colour: 'red' }, { name: 5 }, { name: 'x'.repeat(256) }])
    assert.equal((await mine('PUT', `/groups/${id}`, { group: bad })).status, 400, JSON.stringify(bad))
  const swap = { name: 'new', description: 'd', add_volumes: outside, remove_volumes: inside }
  assert.equal((await mine('PUT', `/groups/${id}`, { group: swap })).status, 202)
  assert.deepEqual(bag(await mine('GET', `/groups/${id}?list_volume=true`), 'group')['volumes'], [outside])
  const list = (await mine('GET', '/groups/detail?name=new&list_volume=1')).json as { groups: Bag[] }
  assert.deepEqual(
    list.groups.map(one => one['volumes']),
    [[outside]] as never,
  )
  assert.equal((await mine('GET', '/groups?colour=red')).status, 400)
  assert.equal((await mine('GET', '/groups?sort_key=colour')).status, 400)
  assert.equal((await ask('DELETE', `/volumes/${inside}`)).status, 202)
  assert.equal(await t.settled(inside), undefined)
  await drop(id)
  assert.equal(await t.settled(outside), undefined)
})

test('bad bodies make no group, and there are no more than the quota', async () => {
  const types = ['__DEFAULT__']
  for (const [group, status] of [
    [{}, 400],
    [{ group_type: kind }, 400],
    [{ group_type: kind, volume_types: [] }, 400],
    [{ group_type: kind, volume_types: ['a', 'a'] }, 400],
    [{ group_type: kind, volume_types: types, colour: 'red' }, 400],
    [{ group_type: kind, volume_types: types, name: 'x'.repeat(256) }, 400],
    [{ group_type: kind, volume_types: types, availability_zone: 'mars' }, 400],
    [{ group_type: kind, volume_types: ['none'] }, 404],
    [{ group_type: 'none', volume_types: types }, 404],
    [{ group_type: 'default_cgsnapshot_type', volume_types: types }, 400],
  ] as const)
    assert.equal((await mine('POST', '/groups', { group })).status, status, JSON.stringify(group))
  assert.equal((await mine('POST', '/groups', {})).status, 400)
  const made = []
  for (let n = 0; n < 4; n++) made.push(await newGroup(`q${n}`))
  const over = await mine('POST', '/groups', { group: { group_type: kind, volume_types: types } })
  assert.equal(over.status, 413)
  const first = (await mine('GET', '/groups?limit=3&sort=name:asc')).json as { groups: Bag[]; group_links: Bag[] }
  assert.deepEqual(
    first.groups.map(one => one['name']),
    ['q0', 'q1', 'q2'] as never,
  )
  assert.match(String(first.group_links[0]?.['href']), /marker=/)
  const rest = (await mine('GET', `/groups?marker=${made[2]}&sort=name:asc`)).json as { groups: Bag[] }
  assert.deepEqual(
    rest.groups.map(one => one['name']),
    ['q3'] as never,
  )
  assert.equal((await mine('GET', '/groups?marker=nobody')).status, 404)
  for (const id of made) await drop(id)
})

test('snapshots of a group, and groups made of them and of groups', async () => {
  const id = await newGroup('source')
  const volume = await newVolume(id)
  assert.equal((await mine('POST', '/group_snapshots', { group_snapshot: {} })).status, 400)
  assert.equal((await mine('POST', '/group_snapshots', { group_snapshot: { group_id: volume } })).status, 404)
  const made = await mine('POST', '/group_snapshots', { group_snapshot: { group_id: id, name: 'kept' } })
  assert.equal(made.status, 202, says(made))
  const kept = String(bag(made, 'group_snapshot')['id'])
  const whole = await settled(`/group_snapshots/${kept}`, 'group_snapshot')
  assert.deepEqual([whole?.['status'], whole?.['group_id'], whole?.['project_id']], ['available', id, P1] as never)
  const members = (await mine('GET', '/snapshots/detail')).json as { snapshots: Bag[] }
  assert.deepEqual(
    members.snapshots.map(one => [one['group_snapshot_id'], one['status'], one['name']]),
    [[kept, 'available', 'kept']] as never,
  )
  const part = await mine('DELETE', `/snapshots/${String(members.snapshots[0]?.['id'])}`)
  assert.deepEqual([part.status, /part of a group/.test(says(part))], [400, true])
  const stays = await act(id, 'delete', { 'delete-volumes': true })
  assert.deepEqual([stays.status, says(stays)], [400, 'Invalid Group: Group has existing snapshots.'])
  assert.equal((await as(stranger)('GET', `/group_snapshots/${kept}`)).status, 404)

  const from = (body: object, at?: string) => mine('POST', '/groups/action', { 'create-from-src': body }, at)
  assert.equal((await from({})).status, 400)
  assert.equal((await from({ group_snapshot_id: kept, source_group_id: id })).status, 400)
  assert.equal((await from({ source_group_id: volume })).status, 404)
  assert.equal((await from({ source_group_id: id }, '3.13')).status, 404)
  for (const source of [{ group_snapshot_id: kept }, { source_group_id: id }]) {
    const copy = await from({ ...source, name: 'copy' })
    assert.equal(copy.status, 202, says(copy))
    const copyId = String(bag(copy, 'group')['id'])
    const there = await settled(`/groups/${copyId}?list_volume=true`, 'group')
    const copies = (there?.['volumes'] ?? []) as string[]
    assert.deepEqual([there?.['status'], copies.length], ['available', 1] as never)
    const [copied] = copies
    assert.equal((await t.settled(copied ?? ''))?.['status'], 'available')
    await drop(copyId)
  }
  const empty = await newGroup('empty')
  const nothing = await from({ source_group_id: empty })
  assert.deepEqual([nothing.status, /Source Group is empty/.test(says(nothing))], [400, true])
  await drop(empty)
  const list = (await mine('GET', '/group_snapshots/detail?name=kept')).json as { group_snapshots: Bag[] }
  assert.equal(list.group_snapshots.length, 1)
  assert.equal((await mine('DELETE', `/group_snapshots/${kept}`)).status, 202)
  assert.equal(await settled(`/group_snapshots/${kept}`, 'group_snapshot'), undefined)
  await drop(id)
})

test('statuses are set by administrators, and nothing replicates', async () => {
  const id = await newGroup('states')
  assert.equal((await act(id, 'reset_status', { status: 'error' })).status, 403)
  assert.equal((await act(id, 'reset_status', { status: 'happy' }, undefined, ask)).status, 400)
  assert.equal((await act(id, 'reset_status', { status: '' }, undefined, ask)).status, 400)
  assert.equal((await act(id, 'reset_status', { status: 'error' }, '3.19', ask)).status, 404)
  assert.equal((await act(id, 'reset_status', { status: 'ERROR' }, undefined, ask)).status, 202)
  assert.equal(bag(await mine('GET', `/groups/${id}`), 'group')['status'], 'error')
  for (const verb of ['enable', 'disable', 'failover']
    .map(word => `${word}_replication`)
    .concat('list_replication_targets')) {
    const refused = await act(id, verb, {})
    assert.deepEqual([refused.status, /not a replication group type/.test(says(refused))], [400, true], verb)
    assert.equal((await act(id, verb, {}, '3.37')).status, 404)
  }
  assert.equal((await ask('PUT', '/os-services/freeze', { host: 'node-1@file' })).status, 200)
  assert.match(says(await act(id, 'delete', {})), /frozen storage backends/)
  assert.equal((await ask('PUT', '/os-services/thaw', { host: 'node-1@file' })).status, 200)
  await drop(id)
})

test('consistency groups are groups of one type, with an API of their own', async () => {
  assert.equal((await mine('POST', '/consistencygroups', { consistencygroup: { name: 'c' } })).status, 400)
  assert.equal((await mine('POST', '/consistencygroups', { consistencygroup: { volume_types: 'none' } })).status, 404)
  const made = await mine('POST', '/consistencygroups', {
    consistencygroup: { name: ' c ', volume_types: '__DEFAULT__,' },
  })
  assert.equal(made.status, 202, says(made))
  const id = String(bag(made, 'consistencygroup')['id'])
  const at = `/consistencygroups/${id}`
  assert.equal((await settled(at, 'consistencygroup'))?.['status'], 'available')
  assert.equal((await mine('GET', `/groups/${id}`)).status, 400)
  assert.deepEqual((await mine('GET', '/groups')).json, { groups: [] })
  assert.deepEqual((await mine('GET', '/consistencygroups')).json, { consistencygroups: [{ id, name: 'c' }] })
  const volume = await newVolume(null)
  const update = (body: object, version = '3.70') => mine('PUT', `${at}/update`, { consistencygroup: body }, version)
  assert.equal((await update({})).status, 400)
  assert.equal((await update({ name: '' }, '3.5')).status, 400)
  assert.equal((await update({ name: '' })).status, 202)
  assert.equal((await update({ add_volumes: volume }, '3.0')).status, 202)
  assert.equal(bag(await mine('GET', `/volumes/${volume}`), 'volume')['consistencygroup_id'], id)
  const snap = await mine('POST', '/cgsnapshots', { cgsnapshot: { consistencygroup_id: id, name: 's' } })
  assert.equal(snap.status, 202, says(snap))
  const sid = String(bag(snap, 'cgsnapshot')['id'])
  assert.equal((await settled(`/cgsnapshots/${sid}`, 'cgsnapshot'))?.['status'], 'available')
  assert.equal((await mine('GET', `/group_snapshots/${sid}`)).status, 400)
  const from = (body: object) =>
    mine('POST', '/consistencygroups/create_from_src', { 'consistencygroup-from-src': body })
  assert.equal((await from({})).status, 400)
  assert.equal((await from({ cgsnapshot_id: sid, source_cgid: id })).status, 400)
  const copy = await from({ cgsnapshot_id: sid })
  const copyId = String(bag(copy, 'consistencygroup')['id'])
  assert.equal((await settled(`/consistencygroups/${copyId}`, 'consistencygroup'))?.['status'], 'available')
  const gone = async (one: string): Promise<void> => {
    const answer = await mine('POST', `/consistencygroups/${one}/delete`, { consistencygroup: { force: true } })
    assert.equal(answer.status, 202, says(answer))
    assert.equal(await settled(`/consistencygroups/${one}`, 'consistencygroup'), undefined)
  }
  await gone(copyId)
  assert.equal((await mine('DELETE', `/cgsnapshots/${sid}`)).status, 202)
  assert.equal(await settled(`/cgsnapshots/${sid}`, 'cgsnapshot'), undefined)
  assert.equal((await mine('POST', `${at}/delete`, {})).status, 400)
  assert.equal((await mine('POST', `${at}/delete`)).status, 400)
  await gone(id)
})
