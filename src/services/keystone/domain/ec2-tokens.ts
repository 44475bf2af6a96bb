// Who signed a request of Amazon's APIs: the key pair is found, the signature worked out again, and a token made that is no more than
// what the key pair was made with.
import type { Ctx } from '#kernel/lib/context.ts'
import { faults } from '#services/keystone/contract/faults.ts'
import { findCredential } from '#services/keystone/db/credentials.ts'
import { findTrust } from '#services/keystone/db/trusts.ts'
import { ec2Signature, s3Signature } from '#services/keystone/domain/aws-signature.ts'
import { ec2KeyId } from '#services/keystone/domain/credentials.ts'
import type { Token, Tokens } from '#services/keystone/domain/tokens.ts'
import type { DomainTools } from '#services/keystone/domain/tools.ts'

type Bag = Readonly<Record<string, unknown>>
export interface Ec2Tokens {
  /** Throws 401 for what is not signed right, 404 for a key there is none of. */
  ec2(ctx: Ctx, signed: Bag): Promise<Token>
  s3(ctx: Ctx, signed: Bag): Promise<Token>
}

/** How old a signed request may be. */
const LIFE_MS = 15 * 60_000
const text = (value: unknown): string => (typeof value === 'string' ? value : '')
const bag = (value: unknown): Bag =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Bag) : {}
/** `20261122T134802Z` as `2026-11-22T13:48:02Z`. */
const iso = (value: string): string =>
  value.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(?=Z|$)/, '$1-$2-$3T$4:$5:$6')

export function createEc2Tokens(tools: DomainTools, tokens: Tokens): Ec2Tokens {
  const { ledger, clock, credentialSeal, passwords } = tools

  const demandFresh = (signed: Bag): void => {
    const said =
      text(bag(signed['params'])['Timestamp']) ||
      text(bag(signed['headers'])['X-Amz-Date']) ||
      text(bag(signed['params'])['X-Amz-Date'])
    if (said === '') return
    const plain = iso(said)
    const at = Date.parse(/(?:Z|[+-]\d\d:?\d\d)$/.test(plain) ? plain : `${plain}Z`)
    if (Number.isNaN(at)) throw faults.Unproved({ reason: `Credential timestamp is invalid: ${said.slice(0, 64)}` })
    if (clock.now() > at + LIFE_MS) throw faults.Unproved({ reason: 'Credential is expired' })
  }

  async function tokenFor(ctx: Ctx, signed: Bag, prove: (secret: string) => Promise<boolean>): Promise<Token> {
    const access = signed['access']
    if (typeof access !== 'string') throw faults.Unproved({ reason: 'EC2 Signature not supplied' })
    const id = await ec2KeyId(access)
    const found = await ledger.read(ctx, 'find-ec2-key', q => findCredential(q, id))
    if (found === null || found.type.toLowerCase() !== 'ec2' || found.projectId === null) throw faults.Ec2KeyNotFound()
    const opened = credentialSeal.open(found.sealed)
    if (opened === null) throw faults.Ec2KeyNotFound()
    const blob = bag(JSON.parse(new TextDecoder().decode(opened.payload)))
    if (!(await prove(text(blob['secret'])))) throw faults.Unproved({ reason: 'Invalid EC2 signature.' })
    demandFresh(signed)
    const trustId = text(blob['trust_id'])
    const applicationCredentialId = text(blob['app_cred_id'])
    const accessTokenId = text(blob['access_token_id'])
    let { userId } = found
    if (trustId !== '') {
      const trust = await ledger.read(ctx, 'find-trust', q => findTrust(q, trustId))
      if (trust === null || trust.projectId !== found.projectId) throw faults.Unauthorized()
      // With impersonation the key pair is the trustor's in name, and the token is the trustee's.
      if (trust.impersonation) userId = trust.trusteeId
    }
    const token = await tokens.issue(ctx, {
      userId,
      methods: ['ec2credential'],
      scope: { kind: 'project', id: found.projectId },
      ...(trustId === '' ? {} : { trustId }),
      ...(applicationCredentialId === '' ? {} : { applicationCredentialId }),
      ...(accessTokenId === '' ? {} : { accessTokenId }),
    })
    // invariant: a key pair made with something lent reaches no further than that
    const lent = token.applicationCredential?.projectId ?? found.projectId
    if (lent !== found.projectId) throw faults.Unauthorized()
    return token
  }

  return {
    ec2: (ctx, signed) =>
      tokenFor(ctx, signed, async secret => {
        const given = text(signed['signature'])
        if (given === '') throw faults.Unproved({ reason: 'EC2 signature not supplied.' })
        const host = text(signed['host'])
        const request = {
          verb: text(signed['verb']),
          path: text(signed['path']),
          params: bag(signed['params']),
          headers: bag(signed['headers']),
          bodyHash: text(signed['body_hash']),
        }
        // compat: some clients sign without the port
        for (const name of new Set([host, host.replace(/:\d+$/, '')])) {
          const wanted = await ec2Signature(secret, { ...request, host: name })
          if (wanted !== null && passwords.same(given, wanted)) return true
        }
        return false
      }),
    s3: (ctx, signed) =>
      tokenFor(ctx, signed, async secret => {
        let says: string
        try {
          const bytes = atob(text(signed['token']).replaceAll('-', '+').replaceAll('_', '/'))
          says = new TextDecoder('utf-8', { fatal: true }).decode(Uint8Array.from(bytes, sign => sign.charCodeAt(0)))
        } catch {
          throw faults.Unproved({ reason: 'Credential signature mismatch' })
        }
        const wanted = await s3Signature(secret, says)
        if (wanted === null || !passwords.same(text(signed['signature']), wanted))
          throw faults.Unproved({ reason: 'Credential signature mismatch' })
        return true
      }),
  }
}
