// A person at a running cloud, through its front door and nothing else: what tests and users of the library hold in their hands.
import { doorFetch } from '#host/node/door-fetch.ts'
import { CLOUD_ENTRIES } from '#host/node/state-dir-clouds.ts'

export interface Asked {
  readonly method?: string
  /** An object is sent as JSON. */
  readonly body?: unknown
  readonly headers?: Record<string, string>
}

/** A person at the cloud: `const demo = await cloud.as('demo')`. */
export interface Person {
  readonly token: string
  readonly projectId: string
  /** Path as on the front door: `/compute/v2.1/servers`. A body that is an object is sent as JSON. */
  readonly fetch: (path: string, given?: Asked) => Promise<Response>
  /** The same, and its JSON. Throws when the status is 400 or more. */
  json<T = Record<string, never>>(path: string, given?: Asked): Promise<T>
}

const PROJECTS: Readonly<Record<string, string>> = Object.fromEntries(
  CLOUD_ENTRIES.flatMap(entry => (entry.project === null ? [] : [[entry.user, entry.project]])),
)

/** Logs in, each of the first users in his own project. `door`: `http://127.0.0.1:8080`. Throws when Keystone refuses. */
export async function logIn(door: string, user: string, password: string): Promise<Person> {
  const answer = await doorFetch(`${door}/identity/v3/auth/tokens`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      auth: {
        identity: {
          methods: ['password'],
          password: { user: { name: user, domain: { id: 'default' }, password } },
        },
        scope: { project: { name: PROJECTS[user] ?? user, domain: { id: 'default' } } },
      },
    }),
  })
  if (answer.status !== 201) throw new Error(`${user} cannot log in: ${answer.status} ${await answer.text()}`)
  const token = answer.headers.get('x-subject-token') ?? ''
  const { token: said } = (await answer.json()) as { token: { project: { id: string } } }
  const send: Person['fetch'] = (path, given = {}) =>
    doorFetch(door + path, {
      method: given.method ?? (given.body === undefined ? 'GET' : 'POST'),
      headers: {
        'x-auth-token': token,
        accept: 'application/json',
        ...(given.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...given.headers,
      },
      ...(given.body === undefined
        ? {}
        : { body: typeof given.body === 'string' ? given.body : JSON.stringify(given.body) }),
    })
  return {
    token,
    projectId: said.project.id,
    fetch: send,
    async json<T>(path: string, given?: Asked) {
      const got = await send(path, given)
      const text = await got.text()
      if (got.status >= 400) throw new Error(`${given?.method ?? 'GET'} ${path}: ${got.status} ${text}`)
      return (text === '' ? {} : JSON.parse(text)) as T
    },
  }
}
