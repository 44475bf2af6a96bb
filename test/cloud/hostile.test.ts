// Every built route of every service, asked with hostile input by an administrator and a member, about what is not there and about what
// is: never an answer of 500, errors in the service's own shape, another project's objects as they were, ledgers that agree. It asks a
// sample: `KOTO_SEED` chooses another one, `KOTO_HOSTILE=2000` asks that many per route.
import assert from 'node:assert/strict'
import { request, Agent } from 'node:http'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { createCloud, type CloudHandle } from '#main/library.ts'
import type { Person } from '#main/person.ts'
import { hostile, type Hostile } from './hostile/input.ts'
import { knownRoutes, SERVICES, type KnownRoute } from './hostile/shapes.ts'
import { usualBodies } from './hostile/usual.ts'
import { belongings, furniture, renewed, seen, type Things } from './hostile/things.ts'
import { shelf, until } from './story.ts'

const SEED = Number(process.env['KOTO_SEED'] ?? 20_260)
const PER_ROUTE = Number(process.env['KOTO_HOSTILE'] ?? 12)
const ONLY = new RegExp(process.env['KOTO_ROUTES'] ?? '')

const DOOR: Readonly<Record<string, { prefix: string; type: string | null }>> = {
  keystone: { prefix: '/identity', type: null },
  glance: { prefix: '/image', type: null },
  placement: { prefix: '/placement', type: 'placement' },
  nova: { prefix: '/compute', type: 'compute' },
  neutron: { prefix: '/networking', type: null },
  cinder: { prefix: '/volume', type: 'volume' },
}
const NOTHING = '00000000-0000-4000-8000-00000000dead'
/** An operator who says what is not so is believed, and then the ledgers disagree: these he is only asked of what is not there. */
const LIES =
  /reset_status|resetState|os-force_detach|os-attach$|os-detach$|os-reserve|os-unreserve|os-begin_detaching|os-roll_detaching|os-update_snapshot_status|os-migrate_volume_completion|record\b/

let cloud: CloudHandle
let people: Readonly<Record<'admin' | 'demo', Person>>
let own: Things
let spare: Things
let strangers: Things
let routes: readonly KnownRoute[]
let known: Readonly<Record<string, unknown>>
let usual: Readonly<Record<string, unknown>>
const agent = new Agent({ keepAlive: true, maxSockets: 8 })

before(async () => {
  cloud = await createCloud({ hypervisor: 'simulated', network: 'simulated' })
  const [admin, demo, alt] = await Promise.all(['admin', 'demo', 'alt_demo'].map(user => cloud.as(user)))
  assert.ok(admin !== undefined && demo !== undefined && alt !== undefined)
  people = { admin, demo }
  spare = await furniture(admin)
  own = await belongings(demo)
  strangers = await belongings(alt)
  routes = await knownRoutes(cloud.control.routes())
  const has = await shelf(demo)
  const id = (noun: string): string => (own.get(noun) ?? spare.get(noun))?.id ?? NOTHING
  usual = usualBodies(noun => (noun === 'image' ? has.image() : id(noun)))
  known = {
    flavorRef: has.flavor('m1.nano'),
    imageRef: has.image(),
    image_id: has.image(),
    network_id: id('neutron networks'),
    floating_network_id: has.network('public'),
    subnet_id: id('neutron subnets'),
    port_id: id('neutron ports'),
    router_id: id('neutron routers'),
    security_group_id: id('neutron security-groups'),
    volume_id: id('cinder volumes'),
    volumeId: id('cinder volumes'),
    snapshot_id: id('cinder snapshots'),
    group_type: id('cinder group_types'),
    instance_uuid: id('nova servers'),
    volume_uuid: id('cinder volumes'),
    volume_type: 'spare',
    volume_types: ['spare'],
    group_type_id: id('cinder group_types'),
    router: id('neutron routers'),
    net_id: id('neutron networks'),
    project_id: id('keystone projects'),
    tenant_id: demo.projectId,
    domain_id: id('keystone domains'),
    user_id: id('keystone users'),
    group_id: id('keystone groups'),
    role_id: id('keystone roles'),
    service_id: id('keystone services'),
    region_id: id('keystone regions'),
    ip_version: 4,
    cidr: '10.78.0.0/24',
    networks: 'none',
    size: 1,
    disk_format: 'raw',
    container_format: 'bare',
  }
})
after(async () => {
  agent.destroy()
  await cloud.stop()
})

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly text: string
}

/** As it stands: no client puts right what is wrong with it. */
const send = (asked: Hostile, token: string): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(cloud.door)
    const sent = request(
      {
        hostname,
        port,
        agent,
        method: asked.method,
        path: asked.url,
        headers: {
          ...asked.headers,
          'x-auth-token': token,
          accept: 'application/json',
          ...(asked.body === null ? {} : { 'content-length': Buffer.byteLength(asked.body) }),
        },
      },
      answer => {
        const parts: Buffer[] = []
        answer.on('data', (part: Buffer) => parts.push(part))
        answer.on('error', reject)
        answer.on('end', () =>
          resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text: Buffer.concat(parts).toString() }),
        )
      },
    )
    sent.setTimeout(20_000, () => sent.destroy(new Error('no answer within 20 s')))
    sent.on('error', reject)
    sent.end(asked.body ?? undefined)
  })

const isText = (value: unknown): boolean => typeof value === 'string' && value !== ''
const envelopes: Readonly<Record<string, (body: Record<string, Record<string, unknown>>, status: number) => boolean>> =
  {
    keystone: (body, status) =>
      body['error']?.['code'] === status && isText(body['error']['message']) && isText(body['error']['title']),
    glance: (body, status) =>
      isText(body['message']) && String(body['code']).startsWith(String(status)) && isText(body['title']),
    neutron: body =>
      isText(body['NeutronError']?.['type']) &&
      isText(body['NeutronError']?.['message']) &&
      body['NeutronError']?.['detail'] !== undefined,
    placement: (body, status) => {
      const [first] = body['errors'] as unknown as Record<string, unknown>[]
      return first?.['status'] === status && isText(first['title']) && isText(first['detail'])
    },
    nova: (body, status) => Object.values(body).some(fault => fault['code'] === status && isText(fault['message'])),
    cinder: (body, status) => Object.values(body).some(fault => fault['code'] === status && isText(fault['message'])),
  }

/** What is wrong with an answer, or null. */
function wrong(route: KnownRoute, asked: Hostile, answer: Answer): string | null {
  const { status, text } = answer
  if (status < 400) return null
  if (status === 503 && text.length > 20) return null
  if (status >= 500 && status !== 501) return 'the service failed'
  if (asked.method === 'HEAD') return null
  if (status === 401) return route.service === 'keystone' ? null : 'the token is good'
  try {
    const body = JSON.parse(text) as Record<string, Record<string, unknown>>
    if (status === 300 || envelopes[route.service]?.(body, status) === true) return null
  } catch {
    // told below
  }
  return "not the service's own words"
}

/** The lines of the log about a request. */
function told(answer: Answer): string {
  const id = String(answer.headers['x-openstack-request-id'] ?? '-')
  const folder = join(cloud.state, 'log')
  return readdirSync(folder)
    .flatMap(file =>
      readFileSync(join(folder, file), 'utf8')
        .split('\n')
        .map((line, index, all) =>
          line.includes(id) && line.includes('ERROR') ? all.slice(index, index + 6).join('\n    ') : '',
        ),
    )
    .filter(line => line !== '')
    .join('\n    ')
}

/** The id for a path's parameter: one of `things` by the word before it, or by its own name. */
const aim =
  (service: string, ...things: readonly Things[]) =>
  (parameter: string, before: string): string => {
    const noun = parameter.replace(/_(id|uuid)$/, '')
    for (const some of things)
      for (const word of [before, `${noun}s`, noun, noun.replaceAll('_', '-') + 's']) {
        const thing =
          some.get(`${service} ${word}`) ??
          (word === `${noun}s` || word === noun
            ? [...some].find(([name]) => name.endsWith(` ${word}`))?.[1]
            : undefined)
        if (thing !== undefined) return thing.id
      }
    return NOTHING
  }

const ORDER: Readonly<Record<string, number>> = { GET: 0, HEAD: 0, POST: 1, PUT: 2, PATCH: 3, DELETE: 5 }
const sample = (field: string): unknown => known[field]

async function walk(service: string): Promise<string[]> {
  const found = new Map<string, string>()
  const mine = routes
    .filter(
      route =>
        route.service === service && ONLY.test(`${route.method} ${route.service} ${route.path} ${route.action ?? ''}`),
    )
    .sort(
      (a, b) =>
        (ORDER[a.method] ?? 4) - (ORDER[b.method] ?? 4) || Number(a.action !== null) - Number(b.action !== null),
    )
  let asked = 0
  for (const [index, route] of mine.entries()) {
    const { prefix, type } = DOOR[service] ?? { prefix: '', type: null }
    const key = `${route.method} ${service} ${route.path}${route.action === null ? '' : ` ${route.action}`}`
    const isLie = LIES.test(`${route.path} ${route.action ?? ''}`)
    const nothing = (): string => NOTHING
    const rounds = [
      { name: 'demo', who: people.demo, ids: aim(service, own, spare) },
      { name: 'admin', who: people.admin, ids: isLie ? nothing : aim(service, own, spare) },
      { name: 'demo of strangers', who: people.demo, ids: aim(service, strangers, spare) },
      { name: 'admin of nothing', who: people.admin, ids: nothing },
    ]
    if (route.method !== 'GET' && index % 4 === 0) {
      await renewed(people.demo, own, service)
      await renewed(people.admin, spare, service)
    }
    for (const [turn, { name, who, ids }] of rounds.entries()) {
      if (isLie && turn === 0) continue
      if (turn > 1 && !route.path.includes('{')) continue
      const all = [...hostile(route, prefix, type, ids, sample, usual[key])]
      const sure = all.slice(0, turn > 1 ? 1 : 5)
      const others = all.slice(sure.length)
      const count = Math.min(others.length, turn > 1 ? Math.ceil(PER_ROUTE / 2) : PER_ROUTE)
      const [some = []] = fc.sample(fc.shuffledSubarray(others, { minLength: count, maxLength: count }), {
        seed: SEED + index * 10 + turn,
        numRuns: 1,
      })
      const picked = [...sure, ...some]
      const made: string[] = []
      const ask = async (one: Hostile): Promise<void> => {
        let answer: Answer
        try {
          answer = await send(one, who.token)
        } catch (error) {
          answer = { status: 599, headers: {}, text: String(error) }
        }
        asked++
        if (answer.status < 300 && one.method === 'POST' && route.action === null) {
          const id = /"(?:id|uuid)": ?"([^"]+)"/.exec(answer.text)?.[1]
          if (id !== undefined) made.push(`${one.url.split('?')[0] ?? ''}/${encodeURIComponent(id)}`)
        }
        const says = wrong(route, one, answer)
        const key = `${says} ${answer.status} ${route.method} ${route.service} ${route.path} ${route.action ?? ''}`
        if (says === null || found.has(key + (answer.status >= 500 ? told(answer) : ''))) return
        const log = answer.status >= 500 ? told(answer) : ''
        const where = log.replaceAll(/req-[0-9a-f-]+|\d\d\d\d-\d\d-\d\d \S+|\d+\.\d+ ms/g, '')
        found.set(
          key + where,
          `${key}\n  by ${name}: ${one.method} ${one.url.slice(0, 300)} ${JSON.stringify(one.headers)}\n  ${String(one.body).slice(0, 300)}\n  ${answer.text.slice(0, 300)}\n    ${log}`,
        )
      }
      for (let from = 0; from < picked.length; from += 8) await Promise.all(picked.slice(from, from + 8).map(ask))
      for (const url of new Set(made))
        await send({ method: 'DELETE', url, headers: {}, body: null }, people.admin.token)
    }
  }
  if (process.env['KOTO_HOSTILE'] !== undefined) console.log(service, asked)
  return [...found.values()]
}

for (const service of SERVICES)
  test(`${service} does not fail`, async () => {
    const alt = await cloud.as('alt_demo')
    const earlier = await seen(alt, strangers)
    const found = await walk(service)
    assert.equal(found.length, 0, found.join('\n\n'))
    assert.deepEqual(await seen(alt, strangers), earlier, "a stranger's things are as they were")
  })

test('and the ledgers agree', async () => {
  let last = ''
  await until('a sound cloud', async () => {
    last = (await cloud.control.audit()).map(one => `${one.ledger} ${one.subject}: ${one.says}`).join('\n')
    return last === '' ? true : null
  }).catch(() => assert.equal(last, ''))
})
