// Credentials of other kinds: sealed in the database, opened for those who may see them. EC2 key pairs are found by the
// hash of their access key.
import type { Rule } from '#kernel/contract/rule.ts'
import { isDuplicate } from '#kernel/db/errors.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { OWN } from '#kernel/policy/enforcer.ts'
import { faults } from '#services/keystone/contract/faults.ts'
import { rules } from '#services/keystone/contract/rules.ts'
import {
  countCredentials,
  findCredential,
  insertCredential,
  listCredentials,
  removeCredential,
  updateCredential,
  type CredentialEntity,
} from '#services/keystone/db/credentials.ts'
import type { ListQuery } from '#services/keystone/db/filters.ts'
import type { Query } from '#services/keystone/db/ledger.ts'
import { findProject } from '#services/keystone/db/projects.ts'
import type { Extra } from '#services/keystone/db/tables.ts'
import { findUser } from '#services/keystone/db/users.ts'
import { mergeExtras } from '#services/keystone/domain/common.ts'
import { isDelegated, refuseOtherProject, refuseRestricted } from '#services/keystone/domain/delegation.ts'
import type { Token, Tokens } from '#services/keystone/domain/tokens.ts'
import { bearer, enforce, type DomainTools } from '#services/keystone/domain/tools.ts'

export interface CredentialWish {
  readonly userId?: string | undefined
  readonly projectId?: string | null | undefined
  readonly type?: string | undefined
  readonly blob?: string | undefined
  readonly extra: Extra
}
/** A credential with its contents in the open. */
export interface OpenCredential extends Omit<CredentialEntity, 'sealed'> {
  readonly blob: string
}
export interface Credentials {
  list(ctx: Ctx, list: ListQuery): Promise<OpenCredential[]>
  find(ctx: Ctx, id: string): Promise<OpenCredential>
  create(ctx: Ctx, wish: CredentialWish): Promise<OpenCredential>
  update(ctx: Ctx, id: string, wish: CredentialWish): Promise<OpenCredential>
  remove(ctx: Ctx, id: string): Promise<void>
  listEc2(ctx: Ctx, userId: string): Promise<OpenCredential[]>
  findEc2(ctx: Ctx, userId: string, access: string): Promise<OpenCredential>
  createEc2(ctx: Ctx, userId: string, projectId: string): Promise<OpenCredential>
  removeEc2(ctx: Ctx, userId: string, access: string): Promise<void>
}

const OTHER_PROJECT = 'Credential project does not match the project scope of the delegated token'
const EC2_OTHER_PROJECT = 'EC2 credential project does not match the project scope of the delegated token'
const RESTRICTED = "Using method 'application_credential' is not allowed for managing additional credentials."
/** Keys of an EC2 blob that say by what it was made: never changed. */
const FIXED = ['trust_id', 'app_cred_id', 'access_token_id', 'access_id']

const target = (credential: { readonly userId?: string | undefined } | null): Record<string, unknown> =>
  credential?.userId === undefined ? {} : { 'target.credential.user_id': credential.userId }
const isEc2 = (type: string | undefined): boolean => type?.toLowerCase() === 'ec2'

/** The id of a key pair, from its access key. */
export const ec2KeyId = (access: string): Promise<string> => sha256(access)

async function sha256(text: string): Promise<string> {
  const bytes = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)))
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('')
}

/** The blob of an EC2 credential; throws 400 unless it is an object with an access key. */
function ec2Blob(blob: string): Record<string, unknown> & { access: string } {
  let parsed: unknown
  try {
    parsed = JSON.parse(blob)
  } catch {
    throw faults.ValidationError({ detail: 'Invalid blob in credential' })
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    throw faults.Expecting({ attribute: 'blob', target: 'credential' })
  const { access } = parsed as { access?: unknown }
  if (typeof access !== 'string' || access === '') throw faults.Expecting({ attribute: 'access', target: 'credential' })
  return { ...(parsed as Record<string, unknown>), access }
}

export function createCredentials(tools: DomainTools, tokens: Tokens): Credentials {
  const { ledger, ids, clock, credentialSeal, settings } = tools

  const seal = (blob: string): string => credentialSeal.seal(new TextEncoder().encode(blob), clock.now())
  const unseal = (credential: CredentialEntity): OpenCredential => {
    const { sealed, ...rest } = credential
    const opened = credentialSeal.open(sealed)
    if (opened === null) throw new Error(`credential ${credential.id} was sealed with a key that is gone`)
    return { ...rest, blob: new TextDecoder().decode(opened.payload) }
  }
  const loadFor = async (ctx: Ctx, q: Query, token: Token, id: string, rule: Rule): Promise<CredentialEntity> => {
    const credential = await findCredential(q, id)
    enforce(tools, ctx, rule, target(credential))
    if (credential === null) throw faults.CredentialNotFound({ id })
    refuseOtherProject(token, credential.projectId, OTHER_PROJECT)
    return credential
  }
  async function store(q: Query, credential: CredentialEntity): Promise<void> {
    const limit = settings.credentialLimit
    if (limit >= 0 && (await countCredentials(q, credential.userId)) >= limit) throw faults.CredentialLimit({ limit })
    try {
      await insertCredential(q, credential)
    } catch (error) {
      if (!isDuplicate(error)) throw error
      throw faults.Conflict({ type: 'credential', details: `Duplicate entry found with ID ${credential.id}` })
    }
  }
  /** What a lent token makes can be traced to what lent it. */
  const marks = (token: Token): Record<string, string> => ({
    ...(token.trust === null ? {} : { trust_id: token.trust.id }),
    ...(token.accessToken === null ? {} : { access_token_id: token.accessToken.id }),
    ...(token.applicationCredential === null ? {} : { app_cred_id: token.applicationCredential.id }),
  })

  const loadEc2For = async (
    ctx: Ctx,
    q: Query,
    token: Token,
    userId: string,
    access: string,
    rule: Rule,
  ): Promise<CredentialEntity> => {
    const mayEver = tools.policy.check(bearer(ctx), rule, OWN)
    if (!mayEver.ok) throw faults.ForbiddenAction({ action: rule.name }, { because: mayEver.because })
    const credential = await findCredential(q, await sha256(access))
    // compat: clients take the 404 of a removed key pair as proof; so another's is told the same way.
    if (credential === null || !tools.policy.allows(bearer(ctx), rule, target(credential)))
      throw faults.CredentialNotFound({ id: access })
    if ((await findUser(q, userId)) === null) throw faults.UserNotFound({ id: userId })
    if (!isEc2(credential.type) || credential.userId !== userId) throw faults.CredentialNotFound({ id: access })
    refuseOtherProject(token, credential.projectId, EC2_OTHER_PROJECT)
    return credential
  }

  return {
    async list(ctx, list) {
      const who = bearer(ctx)
      enforce(tools, ctx, rules.listCredentials, who.system ? {} : target({ userId: who.userId }))
      const token = await tokens.of(ctx)
      const seesAll = tools.policy.allows(who, rules.getCredential, {})
      return ledger.read(ctx, 'list-credentials', async q => {
        const rows = await listCredentials(q, list, {
          userId: seesAll ? undefined : who.userId,
          projectId: isDelegated(token) ? (who.projectId ?? '') : undefined,
        })
        return rows.map(unseal)
      })
    },
    async find(ctx, id) {
      const token = await tokens.of(ctx)
      return ledger.read(ctx, 'find-credential', async q =>
        unseal(await loadFor(ctx, q, token, id, rules.getCredential)),
      )
    },

    async create(ctx, wish) {
      const { userId = '', type = '', blob = '', projectId = null } = wish
      enforce(tools, ctx, rules.createCredential, target({ userId }))
      const token = await tokens.of(ctx)
      if (isEc2(type)) refuseRestricted(token, RESTRICTED)
      refuseOtherProject(token, projectId, OTHER_PROJECT)
      let id = ids.hex()
      let contents = blob
      if (isEc2(type)) {
        const parsed = ec2Blob(blob)
        if (projectId === null) throw faults.ValidationError({ detail: "'project_id' is a required property" })
        id = await sha256(parsed.access)
        if (isDelegated(token)) contents = JSON.stringify({ ...parsed, ...marks(token) })
      }
      const credential: CredentialEntity = {
        id,
        userId,
        projectId,
        type,
        sealed: seal(contents),
        extra: mergeExtras({}, wish.extra),
      }
      await ledger.write(ctx, 'create-credential', async q => {
        if ((await findUser(q, userId)) === null)
          throw faults.ValidationError({ detail: `Could not find user: ${userId}.` })
        await store(q, credential)
      })
      return unseal(credential)
    },

    async update(ctx, id, wish) {
      const token = await tokens.of(ctx)
      return ledger.write(ctx, 'update-credential', async q => {
        const old = await loadFor(ctx, q, token, id, rules.updateCredential)
        const userId = wish.userId ?? old.userId
        const projectId = wish.projectId === undefined ? old.projectId : wish.projectId
        // He must be allowed to do it to what it will be as well.
        enforce(tools, ctx, rules.updateCredential, target({ userId }))
        refuseOtherProject(token, projectId, OTHER_PROJECT)
        if (wish.userId !== undefined && (await findUser(q, userId)) === null)
          throw faults.ValidationError({ detail: `Could not find user: ${userId}.` })
        const type = wish.type ?? old.type
        if (wish.type !== undefined && isEc2(wish.type) !== isEc2(old.type))
          throw faults.ValidationError({ detail: 'The type of an EC2 credential cannot be changed.' })
        if (isEc2(old.type) && wish.blob !== undefined) {
          const before = ec2Blob(unseal(old).blob)
          const after = ec2Blob(wish.blob)
          for (const key of FIXED)
            if (before[key] !== after[key])
              throw faults.ValidationError({ detail: `${key} can not be updated for credential` })
        }
        const credential: CredentialEntity = {
          ...old,
          userId,
          projectId,
          type,
          sealed: wish.blob === undefined ? old.sealed : seal(wish.blob),
          extra: mergeExtras(old.extra, wish.extra),
        }
        await updateCredential(q, credential)
        return unseal(credential)
      })
    },
    async remove(ctx, id) {
      const token = await tokens.of(ctx)
      await ledger.write(ctx, 'remove-credential', async q => {
        await loadFor(ctx, q, token, id, rules.deleteCredential)
        await removeCredential(q, id)
      })
    },

    async listEc2(ctx, userId) {
      enforce(tools, ctx, rules.ec2ListCredentials, { user_id: userId })
      const token = await tokens.of(ctx)
      return ledger.read(ctx, 'list-ec2-credentials', async q => {
        if ((await findUser(q, userId)) === null) throw faults.UserNotFound({ id: userId })
        const rows = await listCredentials(q, { filters: [] }, { userId })
        return rows
          .filter(row => isEc2(row.type) && (!isDelegated(token) || row.projectId === token.who.projectId))
          .map(unseal)
      })
    },
    async findEc2(ctx, userId, access) {
      const token = await tokens.of(ctx)
      return ledger.read(ctx, 'find-ec2-credential', async q =>
        unseal(await loadEc2For(ctx, q, token, userId, access, rules.ec2GetCredential)),
      )
    },
    async createEc2(ctx, userId, projectId) {
      enforce(tools, ctx, rules.ec2CreateCredential, target({ userId }))
      const token = await tokens.of(ctx)
      refuseRestricted(token, RESTRICTED)
      const access = ids.hex()
      const blob = { access, secret: ids.hex(), trust_id: token.trust?.id ?? null, ...marks(token) }
      const credential: CredentialEntity = {
        id: await sha256(access),
        userId,
        projectId,
        type: 'ec2',
        sealed: seal(JSON.stringify(blob)),
        extra: {},
      }
      await ledger.write(ctx, 'create-ec2-credential', async q => {
        if ((await findUser(q, userId)) === null) throw faults.UserNotFound({ id: userId })
        if ((await findProject(q, projectId)) === null) throw faults.ProjectNotFound({ id: projectId })
        refuseOtherProject(token, projectId, EC2_OTHER_PROJECT)
        await store(q, credential)
      })
      return unseal(credential)
    },
    async removeEc2(ctx, userId, access) {
      const token = await tokens.of(ctx)
      await ledger.write(ctx, 'remove-ec2-credential', async q => {
        const credential = await loadEc2For(ctx, q, token, userId, access, rules.ec2DeleteCredential)
        await removeCredential(q, credential.id)
      })
    },
  }
}
