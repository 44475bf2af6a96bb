// The verbs of key pairs. They belong to users, not to projects.
import type { Rule } from '#kernel/contract/rule.ts'
import type { Database } from '#kernel/db/database.ts'
import { isDuplicate } from '#kernel/db/errors.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import type { Enforcer } from '#kernel/policy/enforcer.ts'
import { faults } from '#services/nova/contract/faults.ts'
import { rules } from '#services/nova/contract/rules.ts'
import { nextNumber } from '#services/nova/db/counters.ts'
import { keyPairsDb, type KeyPair } from '#services/nova/db/key-pairs.ts'
import type { NovaTables } from '#services/nova/db/tables.ts'
import { demand } from '#services/nova/domain/caller.ts'
import { limitsOf, type QuotaDefaults } from '#services/nova/domain/quotas.ts'

/** What the platform knows of keys: making them and reading them. */
export interface SshKeys {
  /** A new pair: the private half as PEM text (of `x509`: a PKCS#12 file in base64), the public one as its line or certificate. */
  generate(type: 'ssh' | 'x509', userId: string): Promise<{ readonly privateKey: string; readonly publicKey: string }>
  /** MD5 of an OpenSSH line's key, SHA-1 of a certificate, as hex pairs with colons. Null: this is no such key. */
  fingerprint(type: 'ssh' | 'x509', publicKey: string): string | null
}
export interface KeyPairTools {
  readonly database: Database<NovaTables>
  readonly policy: Enforcer
  readonly clock: Clock
  readonly sshKeys: SshKeys
  readonly defaults: QuotaDefaults
  readonly maxLimit: number
}
export interface NewKeyPair {
  readonly name: string
  readonly type: 'ssh' | 'x509'
  /** Null: a pair is made. */
  readonly publicKey: string | null
  /** Null: the caller's own. */
  readonly userId: string | null
}

export const createKeyPairs = (tools: KeyPairTools) => {
  const { database, policy } = tools
  /** Whose pairs: the caller's, or another's for those who may. Throws 403. */
  const owner = (ctx: Ctx, userId: string | null, rule: Rule): string => {
    const of = userId ?? ctx.who?.userId ?? ''
    demand(policy, ctx, rule, { user_id: of })
    return of
  }
  return {
    /** All of them, or one page. Throws 400 when the marker is not there. */
    async list(
      ctx: Ctx,
      userId: string | null,
      paging: { limit: number | null; marker: string | null } | null,
    ): Promise<{ pairs: KeyPair[]; isFull: boolean }> {
      const of = owner(ctx, userId, rules.keypairsIndex)
      const limit = paging === null ? undefined : Math.min(paging.limit ?? tools.maxLimit, tools.maxLimit)
      const marker = paging?.marker ?? null
      const pairs = await database.read(ctx, 'list-key-pairs', q => keyPairsDb(q).list(of, { marker, limit }))
      if (pairs === undefined) throw faults.BadRequest({ reason: `Marker ${marker ?? ''} could not be found.` })
      return { pairs, isFull: limit !== undefined && limit > 0 && pairs.length === limit }
    },
    async find(ctx: Ctx, userId: string | null, name: string): Promise<KeyPair> {
      const of = owner(ctx, userId, rules.keypairsShow)
      const pair = await database.read(ctx, 'find-key-pair', q => keyPairsDb(q).byName(of, name))
      if (pair === undefined) throw faults.KeyPairNotFound({ name, user: of })
      return pair
    },
    /** Imports or makes. The private half is in the answer only. Throws 400 for a bad key, 403 over quota, 409 for a name in use. */
    async create(ctx: Ctx, given: NewKeyPair): Promise<{ pair: KeyPair; privateKey: string | null }> {
      const userId = owner(ctx, given.userId, rules.keypairsCreate)
      await database.read(ctx, 'count-key-pairs', async q => {
        const limit = (await limitsOf(q, ctx.who?.projectId ?? '', tools.defaults)).key_pairs
        if (limit >= 0 && (await keyPairsDb(q).count(userId)) >= limit)
          throw faults.OverQuotaSimple({ reason: 'Quota exceeded, too many key pairs.' })
      })
      const made = given.publicKey === null ? await tools.sshKeys.generate(given.type, userId) : null
      const publicKey = made?.publicKey ?? given.publicKey ?? ''
      const fingerprint = publicKey.length > MAX_KEY ? null : tools.sshKeys.fingerprint(given.type, publicKey)
      if (fingerprint === null) {
        const kind = given.type === 'ssh' ? 'fingerprint' : 'X509 fingerprint'
        throw faults.InvalidKeyPair({ reason: `failed to generate ${kind}` })
      }
      try {
        return await database.tx(ctx, 'create-key-pair', async q => {
          const db = keyPairsDb(q)
          if ((await db.byName(userId, given.name)) !== undefined) throw faults.KeyPairExists({ name: given.name })
          const limit = (await limitsOf(q, ctx.who?.projectId ?? '', tools.defaults)).key_pairs
          if (limit >= 0 && (await db.count(userId)) >= limit)
            throw faults.OverQuotaSimple({ reason: 'Quota exceeded, too many key pairs.' })
          const pair: KeyPair = {
            id: await nextNumber(q, 'key_pairs'),
            userId,
            name: given.name,
            type: given.type,
            fingerprint,
            publicKey,
            createdAt: tools.clock.now(),
          }
          await db.add(pair)
          return { pair, privateKey: made?.privateKey ?? null }
        })
      } catch (error) {
        if (isDuplicate(error)) throw faults.KeyPairExists({ name: given.name })
        throw error
      }
    },
    async remove(ctx: Ctx, userId: string | null, name: string): Promise<void> {
      const of = owner(ctx, userId, rules.keypairsDelete)
      const was = await database.tx(ctx, 'delete-key-pair', q => keyPairsDb(q).remove(of, name))
      if (!was) throw faults.KeyPairNotFound({ name, user: of })
    },
  }
}
export type KeyPairs = ReturnType<typeof createKeyPairs>

/** Longer than any key: the column upstream keeps them in. */
const MAX_KEY = 65_535
