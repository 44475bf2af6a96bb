// The verbs of the stories: what a person does at a cloud, through its public API, and how he waits for what comes of it.
import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import type { CloudHandle } from '#main/library.ts'
import type { Person } from '#main/person.ts'

export interface ServerView {
  readonly id: string
  readonly name: string
  readonly status: string
  readonly addresses: Readonly<Record<string, readonly { readonly addr: string }[]>>
  readonly fault?: { readonly code: number; readonly message: string; readonly details?: string }
  readonly 'OS-EXT-STS:task_state': string | null
  readonly 'OS-EXT-STS:vm_state': string
  readonly 'OS-EXT-STS:power_state': number
}

/** Looks until there is something to see. Fails, with what was seen last, when it takes too long. */
export async function until<T>(what: string, look: () => Promise<T | null>, withinMs = 30_000): Promise<T> {
  const end = performance.now() + withinMs
  for (let wait = 5; ; wait = Math.min(wait * 2, 100)) {
    const seen = await look()
    if (seen !== null) return seen
    assert.ok(performance.now() < end, `${what} did not come within ${withinMs / 1000} s`)
    await pause(wait)
  }
}

/** What first data every person can use: images, networks and flavors by name. */
export async function shelf(who: Person): Promise<{
  image: (name?: string) => string
  network: (name: string) => string
  flavor: (name: string) => string
}> {
  interface Named {
    readonly id: string
    readonly name: string
  }
  const [{ images }, { networks }, { flavors }] = await Promise.all([
    who.json<{ images: Named[] }>('/image/v2/images'),
    who.json<{ networks: Named[] }>('/networking/v2.0/networks'),
    who.json<{ flavors: Named[] }>('/compute/v2.1/flavors'),
  ])
  const find = (kind: string, list: readonly Named[], name: string): string => {
    const found = list.find(one => one.name === name)
    assert.ok(found !== undefined, `there is no ${kind} ${name}`)
    return found.id
  }
  return {
    image: (name = 'koto-tiny') => find('image', images, name),
    network: name => find('network', networks, name),
    flavor: name => find('flavor', flavors, name),
  }
}

export interface BootWish {
  readonly name?: string
  readonly flavor?: string
  /** Names; default private. */
  readonly networks?: readonly string[]
  /** More fields of the body's `server`. */
  readonly more?: Readonly<Record<string, unknown>>
  readonly hints?: Readonly<Record<string, unknown>>
}

/** The POST alone, whatever it answers. */
export async function askForServer(who: Person, wish: BootWish = {}): Promise<Response> {
  const has = await shelf(who)
  const server = {
    name: wish.name ?? 'one',
    flavorRef: has.flavor(wish.flavor ?? 'm1.nano'),
    imageRef: has.image(),
    networks: (wish.networks ?? ['private']).map(name => ({ uuid: has.network(name) })),
    ...wish.more,
  }
  return who.fetch('/compute/v2.1/servers', {
    body: { server, ...(wish.hints === undefined ? {} : { 'os:scheduler_hints': wish.hints }) },
  })
}

/** Asks for a server and returns its id; the rest goes on by itself. */
export async function boot(who: Person, wish: BootWish = {}): Promise<string> {
  const answer = await askForServer(who, wish)
  const text = await answer.text()
  assert.equal(answer.status, 202, text)
  return (JSON.parse(text) as { server: { id: string } }).server.id
}

export const show = async (who: Person, id: string): Promise<ServerView> =>
  (await who.json<{ server: ServerView }>(`/compute/v2.1/servers/${id}`)).server

/** A leg of a story that could not report home is sent again after 30 s. */
const SETTLED_MS = 90_000

/** Resolves when nothing is under way for the server any more. */
export const settled = (who: Person, id: string): Promise<ServerView> =>
  until(
    `the end of what is under way for ${id}`,
    async () => {
      const server = await show(who, id)
      return server['OS-EXT-STS:task_state'] === null && server.status !== 'BUILD' ? server : null
    },
    SETTLED_MS,
  )

export async function active(who: Person, id: string): Promise<ServerView> {
  const server = await settled(who, id)
  assert.equal(server.status, 'ACTIVE', JSON.stringify(server.fault))
  return server
}

export const act = (who: Person, id: string, verb: string, given: unknown = null): Promise<Response> =>
  who.fetch(`/compute/v2.1/servers/${id}/action`, { body: { [verb]: given } })

/** Asks for an action, waits for its end, and holds it to a status. */
export async function become(who: Person, id: string, verb: string, given: unknown, status: string): Promise<void> {
  const answer = await act(who, id, verb, given)
  assert.equal(answer.status, 202, `${verb}: ${await answer.text()}`)
  const server = await settled(who, id)
  assert.equal(server.status, status, `after ${verb}: ${JSON.stringify(server.fault)}`)
}

export const remove = (who: Person, id: string): Promise<Response> =>
  who.fetch(`/compute/v2.1/servers/${id}`, { method: 'DELETE' })

/** Resolves when the server is 404. */
export const gone = (who: Person, id: string): Promise<true> =>
  until(`the end of ${id}`, async () => {
    const answer = await who.fetch(`/compute/v2.1/servers/${id}`)
    await answer.arrayBuffer()
    return answer.status === 404 ? true : null
  })

/** Deletes it and waits until it is gone. */
export async function removed(who: Person, ...ids: readonly string[]): Promise<void> {
  for (const id of ids) assert.equal((await remove(who, id)).status, 204)
  for (const id of ids) await gone(who, id)
}

/** The audit finds nothing. */
export async function sound(cloud: CloudHandle): Promise<void> {
  const found = await cloud.control.audit()
  assert.deepEqual(
    found.map(one => `${one.ledger} ${one.subject}: ${one.says}`),
    [],
  )
}
