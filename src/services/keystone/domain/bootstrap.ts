// The first things of a cloud: domain Default, projects, roles, users, the catalog. Idempotent: each start asks for all of
// it again, makes what is missing and changes nothing that is there, but passwords that a person set anew.
import type { Ctx } from '#kernel/lib/context.ts'
import type { Options } from '#services/keystone/db/tables.ts'
import { addAssignment, SYSTEM } from '#services/keystone/db/assignments.ts'
import {
  findRegion,
  insertEndpoint,
  insertRegion,
  insertService,
  listEndpoints,
  listServices,
  updateEndpoint,
} from '#services/keystone/db/catalog.ts'
import { findProject, findProjectByName, insertProject } from '#services/keystone/db/projects.ts'
import { addImplication, findRoleByName, insertRole } from '#services/keystone/db/roles.ts'
import { findUserByName, insertUser, updateUser } from '#services/keystone/db/users.ts'
import type { Query } from '#services/keystone/db/ledger.ts'
import { findMark, setMark } from '#services/keystone/db/marks.ts'
import type { Tokens } from '#services/keystone/domain/tokens.ts'
import type { DomainTools } from '#services/keystone/domain/tools.ts'

export interface BootstrapEndpoint {
  /** `nova`: the service's name. */
  readonly service: string
  readonly type: string
  /** `$(front_door)s/compute/v2.1`, or a whole URL where the service listens elsewhere. */
  readonly url: string
  readonly description?: string
}
export interface BootstrapWish {
  /** Of admin, demo, demo_reader and alt_demo. */
  readonly adminPassword: string
  /** Of nova, neutron, cinder, glance and placement. */
  readonly servicePassword: string
  readonly endpoints: readonly BootstrapEndpoint[]
}
export type Bootstrap = (ctx: Ctx, wish: BootstrapWish) => Promise<void>

const DEFAULT_DOMAIN = 'default'
const REGION = 'RegionOne'
const INTERFACES = ['public', 'internal', 'admin']
const PROJECTS: readonly (readonly [name: string, description: string])[] = [
  ['admin', 'Where the cloud is looked after'],
  ['demo', 'A first project to try things in'],
  ['alt_demo', 'A second project, for seeing what is kept apart'],
  ['service', 'The accounts of the services themselves'],
]
const ROLES = ['admin', 'manager', 'member', 'reader', 'service']
const IMPLIES = [
  ['admin', 'manager'],
  ['manager', 'member'],
  ['member', 'reader'],
] as const
const SERVICE_USERS = ['nova', 'neutron', 'cinder', 'glance', 'placement']
type Grant = readonly [user: string, role: string, project: string]
const FIRST_GRANTS: readonly Grant[] = [
  ['admin', 'admin', 'admin'],
  ['admin', 'admin', 'demo'],
  ['admin', 'admin', SYSTEM],
  ['demo', 'member', 'demo'],
  ['demo_reader', 'reader', 'demo'],
  ['alt_demo', 'member', 'alt_demo'],
]
const SERVICE_GRANTS: readonly Grant[] = SERVICE_USERS.flatMap((user): Grant[] => [
  [user, 'service', 'service'],
  [user, 'admin', 'service'],
])

interface Group {
  readonly name: string
  readonly users: readonly string[]
  /** Whether the password is another than last time: then all of them get it. */
  readonly isChanged: boolean
  /** Of the wished password; null where nobody needs it. */
  readonly hash: string | null
  readonly mark: string
  readonly options: Options
}

const ADMINS = { name: 'admin', users: ['admin', 'demo', 'demo_reader', 'alt_demo'], options: {} }
const SERVICES = {
  name: 'service',
  users: SERVICE_USERS,
  // Nobody may lock the services out, by wrong passwords or by waiting.
  options: {
    ignore_change_password_upon_first_use: true,
    ignore_password_expiry: true,
    ignore_lockout_failure_attempts: true,
    ignore_user_inactivity: true,
  },
}

export function createBootstrap(tools: DomainTools, tokens: Tokens): Bootstrap {
  const { ledger, ids, clock, passwords, credentialSeal } = tools

  /**
   * What was wished last is remembered as a sealed digest: a start with the same passwords costs no hashing, and undoes no
   * change that a person made through the API. One hash serves all users of a password that is one by definition.
   */
  async function groupOf(
    ctx: Ctx,
    { name, users, options }: Pick<Group, 'name' | 'users' | 'options'>,
    password: string,
  ): Promise<Group> {
    const digest = new Uint8Array(
      await crypto.subtle.digest('SHA-256', new TextEncoder().encode(`${name} ${password}`)),
    )
    const { isChanged, isMissing } = await ledger.read(ctx, 'find-first-users', async q => {
      const mark = await findMark(q, `password-${name}`)
      const known = mark === null ? null : (credentialSeal.open(mark)?.payload ?? null)
      const isSame = known !== null && known.length === digest.length && known.every((byte, at) => byte === digest[at])
      let missing = false
      for (const user of users) missing ||= (await findUserByName(q, user, DEFAULT_DOMAIN)) === null
      return { isChanged: !isSame, isMissing: missing }
    })
    return {
      name,
      users,
      options,
      isChanged,
      hash: isChanged || isMissing ? await passwords.hash(password) : null,
      mark: isChanged ? credentialSeal.seal(digest, clock.now()) : '',
    }
  }

  /** `mend`: users who are gone are made again. */
  async function people(q: Query, group: Group, mend: boolean): Promise<void> {
    if (group.hash === null) return
    const now = clock.now()
    for (const userName of group.users) {
      const known = await findUserByName(q, userName, DEFAULT_DOMAIN)
      const fresh = {
        passwordHash: group.hash,
        passwordCreatedAt: now,
        // They stand in the operator's own file: nothing is won by their ending there.
        passwordExpiresAt: null,
        passwordSelfService: false,
        failedCount: 0,
        failedAt: null,
      }
      if (known !== null && group.isChanged) {
        await updateUser(q, { ...known, ...fresh })
        await tokens.end(q, 'user', known.id)
      } else if (known === null && mend)
        await insertUser(q, {
          ...fresh,
          id: ids.hex(),
          domainId: DEFAULT_DOMAIN,
          name: userName,
          enabled: true,
          defaultProjectId: null,
          lastActiveOn: null,
          createdAt: now,
          options: group.options,
          extra: {},
        })
    }
    if (group.isChanged) await setMark(q, `password-${group.name}`, group.mark)
  }

  async function places(q: Query, wanted: typeof PROJECTS): Promise<Map<string, string>> {
    const found = new Map<string, string>()
    const base = { options: {}, extra: {}, enabled: true }
    if ((await findProject(q, DEFAULT_DOMAIN)) === null)
      await insertProject(q, {
        ...base,
        id: DEFAULT_DOMAIN,
        name: 'Default',
        domainId: null,
        parentId: null,
        isDomain: true,
        description: 'The default domain',
      })
    for (const [name, description] of wanted) {
      const known = await findProjectByName(q, name, DEFAULT_DOMAIN)
      const id = known?.id ?? ids.hex()
      if (known === null)
        await insertProject(q, {
          ...base,
          id,
          name,
          domainId: DEFAULT_DOMAIN,
          parentId: DEFAULT_DOMAIN,
          isDomain: false,
          description,
        })
      found.set(name, id)
    }
    return found
  }

  async function roles(q: Query): Promise<void> {
    const idOf = new Map<string, string>()
    const fresh = new Set<string>()
    for (const name of ROLES) {
      const known = await findRoleByName(q, name)
      const id = known?.id ?? ids.hex()
      if (known === null) {
        await insertRole(q, { id, name, domainId: null, description: null, options: { immutable: true }, extra: {} })
        fresh.add(name)
      }
      idOf.set(name, id)
    }
    // An implication that somebody took away stays away.
    for (const [prior, implied] of IMPLIES)
      if (fresh.has(prior) || fresh.has(implied))
        await addImplication(q, idOf.get(prior) as string, idOf.get(implied) as string)
  }

  async function catalog(q: Query, endpoints: readonly BootstrapEndpoint[]): Promise<void> {
    if ((await findRegion(q, REGION)) === null)
      await insertRegion(q, { id: REGION, parentId: null, description: '', extra: {} })
    const services = await listServices(q, { filters: [] })
    const known = await listEndpoints(q, { filters: [] })
    for (const wish of endpoints) {
      let service = services.find(one => one.type === wish.type && one.name === wish.service)
      if (service === undefined) {
        service = {
          id: ids.hex(),
          type: wish.type,
          name: wish.service,
          description: wish.description ?? null,
          enabled: true,
          extra: {},
        }
        await insertService(q, service)
      }
      for (const word of INTERFACES) {
        const there = known.find(
          one => one.serviceId === service.id && one.interface === word && one.regionId === REGION,
        )
        if (there === undefined)
          await insertEndpoint(q, {
            id: ids.hex(),
            serviceId: service.id,
            interface: word,
            regionId: REGION,
            url: wish.url,
            enabled: true,
            extra: {},
          })
        else if (there.url !== wish.url || !there.enabled)
          await updateEndpoint(q, { ...there, url: wish.url, enabled: true })
      }
    }
    // A service that this cloud is started without is not in its catalog.
    const urls = new Set(endpoints.map(wish => wish.url))
    for (const one of known)
      if (one.enabled && one.url.startsWith('$(front_door)s') && !urls.has(one.url))
        await updateEndpoint(q, { ...one, enabled: false })
  }

  async function grant(q: Query, grants: readonly Grant[], projects: ReadonlyMap<string, string>): Promise<void> {
    for (const [userName, roleName, project] of grants) {
      const user = await findUserByName(q, userName, DEFAULT_DOMAIN)
      const role = await findRoleByName(q, roleName)
      const targetId = project === SYSTEM ? SYSTEM : projects.get(project)
      if (user === null || role === null || targetId === undefined) continue
      await addAssignment(q, {
        actorKind: 'user',
        actorId: user.id,
        targetKind: project === SYSTEM ? 'system' : 'project',
        targetId,
        roleId: role.id,
        inherited: false,
      })
    }
  }

  return async (ctx, wish) => {
    const [admins, services] = await Promise.all([
      groupOf(ctx, ADMINS, wish.adminPassword),
      groupOf(ctx, SERVICES, wish.servicePassword),
    ])
    await ledger.write(ctx, 'bootstrap-identity', async q => {
      // Once: what a person took away later stays away. The services' own accounts are mended each time.
      const isFirst = (await findMark(q, 'first-data')) === null
      const projects = await places(q, isFirst ? PROJECTS : PROJECTS.filter(([name]) => name === 'service'))
      await roles(q)
      await people(q, admins, isFirst)
      await people(q, services, true)
      if (isFirst) await grant(q, FIRST_GRANTS, projects)
      await grant(q, SERVICE_GRANTS, projects)
      await catalog(q, wish.endpoints)
      if (isFirst) await setMark(q, 'first-data', '1')
    })
  }
}
