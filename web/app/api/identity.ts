// Keystone as the console needs it: sign in, see one's projects, enter one, leave.
import type { Client } from '#app/api/client.ts'
import { ApiError } from '#app/api/api-error.ts'
import type { Project, Session } from '#app/api/session.ts'

export interface Credentials {
  readonly user: string
  readonly password: string
  readonly domain: string
}

interface TokenBody {
  readonly token: {
    readonly expires_at: string
    readonly user: { readonly id: string; readonly name: string; readonly domain?: { readonly name: string } }
    readonly project?: Project
    readonly roles?: readonly { readonly name: string }[]
  }
}

/** A session without a project. Throws ApiError 401 for a wrong user, password or domain. */
export async function signIn(client: Client, given: Credentials): Promise<Session> {
  const user = { name: given.user, domain: { name: given.domain }, password: given.password }
  const { body, headers } = await client.send<TokenBody>({
    service: 'identity',
    method: 'POST',
    path: '/auth/tokens',
    token: null,
    body: { auth: { identity: { methods: ['password'], password: { user } }, scope: 'unscoped' } },
  })
  const token = subjectToken(headers)
  return sessionFrom(body, token, token)
}

/** The projects the holder of `token` may enter, by name. */
export async function listProjects(client: Client, token: string): Promise<readonly Project[]> {
  const { body } = await client.send<{ projects: readonly (Project & { enabled?: boolean })[] }>({
    service: 'identity',
    method: 'GET',
    path: '/auth/projects',
    token,
  })
  return body.projects
    .filter(project => project.enabled !== false)
    .map(({ id, name }) => ({ id, name }))
    .sort((a, b) => a.name.localeCompare(b.name))
}

/** The same person inside `projectId`. */
export async function enterProject(client: Client, session: Session, projectId: string): Promise<Session> {
  const { body, headers } = await client.send<TokenBody>({
    service: 'identity',
    method: 'POST',
    path: '/auth/tokens',
    token: null,
    body: {
      auth: {
        identity: { methods: ['token'], token: { id: session.unscoped } },
        scope: { project: { id: projectId } },
      },
    },
  })
  return sessionFrom(body, subjectToken(headers), session.unscoped)
}

/** Ends the session's tokens at Keystone. A cloud that cannot be reached does not keep anyone signed in. */
export async function revoke(client: Client, session: Session): Promise<void> {
  for (const token of new Set([session.token, session.unscoped])) {
    await client
      .send({ service: 'identity', method: 'DELETE', path: '/auth/tokens', token, subjectToken: token })
      .catch(() => undefined)
  }
}

function subjectToken(headers: Headers): string {
  const token = headers.get('x-subject-token')
  if (token === null) throw new ApiError(0, 'Keystone answered without X-Subject-Token.', null)
  return token
}

function sessionFrom({ token: it }: TokenBody, token: string, unscoped: string): Session {
  return {
    token,
    unscoped,
    expiresAt: it.expires_at,
    user: { id: it.user.id, name: it.user.name, domain: it.user.domain?.name ?? 'Default' },
    project: it.project === undefined ? null : { id: it.project.id, name: it.project.name },
    roles: (it.roles ?? []).map(role => role.name),
  }
}
