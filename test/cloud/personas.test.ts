// Every door of the whole cloud, knocked at by every persona with a real token: who may not is told so, whatever he asks about; who may
// is not turned away by the policy. Nothing is there under the ids that are asked for, so nothing comes of it.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createCloud, type CloudHandle } from '#main/library.ts'
import type { Person } from '#main/person.ts'
import { expectedVerdicts, PERSONAS, ROLE_OF, type Persona } from '../authz/personas.ts'

const PREFIX: Readonly<Record<string, string>> = {
  keystone: '/identity',
  glance: '/image',
  placement: '/placement',
  nova: '/compute',
  neutron: '/networking',
  cinder: '/volume',
}
const VERSION: Readonly<Record<string, string>> = { nova: 'compute', cinder: 'volume', placement: 'placement' }
/** Neutron and Glance look at what is asked for before they ask who asks, as upstream's do: nonsense is 400 to everybody. */
const LOOKS_FIRST = ['neutron', 'glance']
/** Doors that upstream's code, not its policy, closes; and what a service's account owns itself. */
const OTHERWISE: Readonly<Record<string, string>> = {
  'GET keystone /v3/auth/catalog': 'a token without a project has no catalog',
  'GET keystone /v3/domains/config/{group}/default': 'there is no such group of options, which is 403',
  'GET keystone /v3/domains/config/{group}/{option}/default': 'there is no such group of options, which is 403',
  'GET keystone /v3/roles/{role_id}': 'which role it is decides, and there is none',
  'GET keystone /v3/credentials': "a service's account sees its own",
  'PATCH keystone /v3/credentials/{credential_id}': "a service's account has its own",
  'POST keystone /v3/credentials': "a service's account has its own",
  'POST keystone /v3/OS-TRUST/trusts': "a service's account may trust",
  'POST keystone /v3/users/{user_id}/application_credentials': "a service's account has its own",
  'GET nova /v2.1/os-keypairs': "a service's account sees its own",
  'POST nova /v2.1/os-keypairs': "a service's account has its own",
  'GET nova /v2.1/os-baremetal-nodes': 'there is no bare metal: 501',
  'GET nova /v2.1/os-baremetal-nodes/{id}': 'there is no bare metal: 501',
  'GET neutron /v2.0/networks': 'shared ones are for everybody',
  'GET neutron /v2.0/subnets': 'those of shared networks are for everybody',
  'GET neutron /v2.0/qos/rule-types/{type}': 'drivers are for administrators, upstream says in its code',
  'DELETE glance /v2/stores/{store}/{id}': 'there is no such store, which is 409',
}

let cloud: CloudHandle
let admin: Person
const tokens = new Map<Persona | 'NO', string>()

/** A user with that one role there, logged in there. */
async function arrive(persona: Persona, places: { project: string; domain: string }): Promise<string> {
  const v3 = '/identity/v3'
  const name = `persona-${persona}`
  const role = persona === 'SV' ? 'service' : (ROLE_OF[persona.charAt(1)] ?? '')
  const { user } = await admin.json<{ user: { id: string } }>(`${v3}/users`, {
    body: { user: { name, password: 'a-long-password', domain_id: places.domain } },
  })
  const { roles } = await admin.json<{ roles: { id: string }[] }>(`${v3}/roles?name=${role}`)
  const scope = persona === 'SV' ? 'P' : persona.charAt(0)
  const where =
    scope === 'S'
      ? `system/users/${user.id}`
      : scope === 'D'
        ? `domains/${places.domain}/users/${user.id}`
        : `projects/${places.project}/users/${user.id}`
  const granted = await admin.fetch(`${v3}/${where}/roles/${roles[0]?.id ?? ''}`, { method: 'PUT' })
  assert.equal(granted.status, 204, await granted.text())
  const wish =
    scope === 'S'
      ? { system: { all: true } }
      : scope === 'D'
        ? { domain: { id: places.domain } }
        : { project: { id: places.project } }
  const entered = await cloud.fetch(`${v3}/auth/tokens`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      auth: {
        identity: { methods: ['password'], password: { user: { id: user.id, password: 'a-long-password' } } },
        scope: wish,
      },
    }),
  })
  assert.equal(entered.status, 201, await entered.text())
  return entered.headers.get('x-subject-token') ?? ''
}

before(async () => {
  cloud = await createCloud({ hypervisor: 'simulated', network: 'simulated' })
  admin = await cloud.as('admin')
  await admin.json('/identity/v3/roles', { body: { role: { name: 'ornament' } } })
  const { domain } = await admin.json<{ domain: { id: string } }>('/identity/v3/domains', {
    body: { domain: { name: 'personas' } },
  })
  const { project } = await admin.json<{ project: { id: string } }>('/identity/v3/projects', {
    body: { project: { name: 'personas', domain_id: domain.id } },
  })
  for (const persona of PERSONAS) tokens.set(persona, await arrive(persona, { project: project.id, domain: domain.id }))
  tokens.set('NO', 'garbage')
})
after(() => cloud.stop())

const NOBODY = '00000000-0000-4000-8000-00000000dead'

const ask = async (
  row: { service: string; method: string; path: string; until: string | null },
  url: string,
  token: string,
): Promise<{ status: number; text: string }> => {
  const type = VERSION[row.service]
  const action = row.path.split(' ')[1]
  const hasBody = row.method !== 'GET' && row.method !== 'HEAD' && row.method !== 'DELETE'
  const answer = await cloud.fetch(url, {
    method: row.method,
    headers: {
      'x-auth-token': token,
      ...(type === undefined ? {} : { 'openstack-api-version': `${type} ${row.until ?? 'latest'}` }),
      ...(hasBody ? { 'content-type': 'application/json' } : {}),
    },
    ...(hasBody ? { body: JSON.stringify(action === undefined ? {} : { [action]: {} }) } : {}),
  })
  return { status: answer.status, text: await answer.text() }
}
/** Neutron's lists leave out what one may not see. */
const isEmptyList = (text: string): boolean =>
  Object.values(JSON.parse(text) as object).every(value => !Array.isArray(value) || value.length === 0)

test('every persona at every door', async () => {
  const expected = expectedVerdicts()
  const found: string[] = []
  let knocked = 0
  for (const row of cloud.control.routes()) {
    if (!row.built || row.rule === 'public') continue
    const wanted = expected.get(`${row.service} ${row.rule}`)
    const [path = ''] = row.path.split(' ')
    const url = `${PREFIX[row.service] ?? ''}${path.replaceAll(/\{[^}]*\}/g, NOBODY)}`
    const looksFirst = LOOKS_FIRST.includes(row.service)
    for (const [persona, token] of tokens) {
      if (wanted === undefined && persona !== 'NO') continue
      const { status, text } = await ask(row, url, token)
      knocked++
      const says = `${persona} ${row.method} ${row.service} ${row.path} (${row.rule}): ${status}`
      if (persona === 'NO') {
        if (status !== 401) found.push(says)
        continue
      }
      if (OTHERWISE[`${row.method} ${row.service} ${row.path}`] !== undefined) continue
      if (wanted?.own.has(persona) === true) {
        if (status === 401 || status >= 500) found.push(says)
        else if (status === 403 && wanted.foreign.has(persona)) found.push(`${says}, and he may`)
      } else {
        const isRefused =
          status === 403 ||
          status === 404 ||
          (looksFirst && status === 400) ||
          (row.service === 'neutron' && row.method === 'GET' && status === 200 && isEmptyList(text))
        if (!isRefused) found.push(`${says}, and he may not`)
      }
    }
  }
  assert.ok(knocked > 8000, `${knocked} knocks`)
  assert.deepEqual(found, [])
})

test("another project's things are not there for those who may not", async () => {
  const expected = expectedVerdicts()
  const demo = await cloud.as('demo')
  const things = await belongings(demo)
  const found: string[] = []
  let knocked = 0
  for (const row of cloud.control.routes()) {
    const [path = ''] = row.path.split(' ')
    const collection = /\/([a-z_-]+)\/\{[^}]*\}/.exec(path)?.[1] ?? ''
    const id = things.get(`${row.service} ${collection}`)
    const wanted = expected.get(`${row.service} ${row.rule}`)
    if (!row.built || id === undefined || wanted === undefined) continue
    if (OTHERWISE[`${row.method} ${row.service} ${row.path}`] !== undefined) continue
    const url = `${PREFIX[row.service] ?? ''}${path.replace(/\{[^}]*\}/, id).replaceAll(/\{[^}]*\}/g, NOBODY)}`
    for (const persona of ['DM', 'DR', 'PG', 'PM', 'PR', 'PX'] as const) {
      if (wanted.foreign.has(persona)) continue
      const { status } = await ask(row, url, tokens.get(persona) ?? '')
      knocked++
      const isRefused = status === 403 || status === 404 || ([400, 415].includes(status) && row.method !== 'GET')
      if (!isRefused) found.push(`${persona} ${row.method} ${row.service} ${row.path} (${row.rule}): ${status}`)
    }
  }
  assert.ok(knocked > 1000, `${knocked} knocks`)
  assert.deepEqual(found, [])
  assert.deepEqual(await belongings(demo, [...things]), things, 'and all is as it was')
})

/** Things of demo's own, by service and collection; with `known` only looked at again. */
async function belongings(
  demo: Person,
  known: readonly (readonly [string, string])[] = [],
): Promise<Map<string, string>> {
  const things = new Map<string, string>(known)
  const show: Readonly<Record<string, string>> = {
    'cinder volumes': '/volume/v3/volumes',
    'cinder snapshots': '/volume/v3/snapshots',
    'neutron networks': '/networking/v2.0/networks',
    'neutron ports': '/networking/v2.0/ports',
    'neutron routers': '/networking/v2.0/routers',
    'neutron subnets': '/networking/v2.0/subnets',
    'neutron security-groups': '/networking/v2.0/security-groups',
    'glance images': '/image/v2/images',
    'nova servers': '/compute/v2.1/servers',
  }
  if (known.length > 0) {
    for (const [kind, id] of known) if (show[kind] !== undefined) await demo.json(`${show[kind] ?? ''}/${id}`)
    return things
  }
  const make = async (kind: string, key: string, body: object): Promise<string> => {
    const made = await demo.json<Record<string, { id: string }>>(show[kind] ?? '', { body: { [key]: body } })
    const id = made[key]?.id ?? ''
    things.set(kind, id)
    return id
  }
  const network = await make('neutron networks', 'network', { name: 'mine' })
  await make('neutron subnets', 'subnet', { network_id: network, cidr: '10.9.0.0/24', ip_version: 4 })
  await make('neutron ports', 'port', { network_id: network })
  await make('neutron routers', 'router', { name: 'mine' })
  await make('neutron security-groups', 'security_group', { name: 'mine' })
  const volume = await make('cinder volumes', 'volume', { size: 1 })
  const until = async (path: string, key: string, wanted: string): Promise<void> => {
    for (let tries = 0; tries < 400; tries++) {
      const shown = await demo.json<Record<string, { status: string }>>(path)
      if (shown[key]?.status === wanted) return
      await new Promise(resolve => setTimeout(resolve, 25))
    }
    throw new Error(`${path} did not become ${wanted}`)
  }
  await until(`/volume/v3/volumes/${volume}`, 'volume', 'available')
  const snapshot = await make('cinder snapshots', 'snapshot', { volume_id: volume })
  await until(`/volume/v3/snapshots/${snapshot}`, 'snapshot', 'available')
  const image = await demo.json<{ id: string }>('/image/v2/images', {
    body: { name: 'mine', disk_format: 'raw', container_format: 'bare' },
  })
  things.set('glance images', image.id)
  const { flavors } = await demo.json<{ flavors: { id: string }[] }>('/compute/v2.1/flavors')
  const { images } = await demo.json<{ images: { id: string }[] }>('/image/v2/images?status=active')
  const server = await make('nova servers', 'server', {
    name: 'mine',
    flavorRef: flavors[0]?.id,
    imageRef: images[0]?.id,
    networks: 'none',
  }).catch(async () =>
    make('nova servers', 'server', {
      name: 'mine',
      flavorRef: flavors[0]?.id,
      imageRef: images[0]?.id,
      networks: [{ port: things.get('neutron ports') }],
    }),
  )
  await until(`/compute/v2.1/servers/${server}`, 'server', 'ACTIVE')
  things.set(
    'keystone users',
    (
      await demo.json<{ token: { user: { id: string } } }>('/identity/v3/auth/tokens', {
        headers: { 'x-subject-token': demo.token },
      })
    ).token.user.id,
  )
  things.set('keystone projects', demo.projectId)
  return things
}
