// Key pairs over HTTP.
import { isoMicros } from '#kernel/lib/clock.ts'
import { handlers, type Call, type HandlerTable } from '#kernel/http/handlers.ts'
import { linksRow } from '#kernel/http/paging.ts'
import { presenter } from '#kernel/http/presenter.ts'
import { keyPairs, KeyPairSummary, KeyPairView, NewKeyPairView } from '#services/nova/contract/key-pairs.ts'
import type { KeyPair } from '#services/nova/db/key-pairs.ts'
import type { KeyPairs } from '#services/nova/domain/key-pairs.ts'

const summary = presenter<KeyPair>()(KeyPairSummary, {
  name: k => k.name,
  public_key: k => k.publicKey,
  fingerprint: k => k.fingerprint,
  type: k => k.type,
})
const whole = presenter<KeyPair>()(KeyPairView, {
  name: k => k.name,
  public_key: k => k.publicKey,
  fingerprint: k => k.fingerprint,
  user_id: k => k.userId,
  created_at: k => isoMicros(k.createdAt),
  deleted: () => false,
  deleted_at: () => null,
  id: k => k.id,
  updated_at: () => null,
  type: k => k.type,
})
const fresh = presenter<{ pair: KeyPair; privateKey: string | null }>()(NewKeyPairView, {
  name: ({ pair }) => pair.name,
  public_key: ({ pair }) => pair.publicKey,
  fingerprint: ({ pair }) => pair.fingerprint,
  user_id: ({ pair }) => pair.userId,
  private_key: ({ privateKey }) => privateKey ?? undefined,
  type: ({ pair }) => pair.type,
})

/** Another user named in the query, which older versions do not look at. */
const ownerOf = (call: Pick<Call<object, unknown, { user_id?: string[] }>, 'query' | 'has'>): string | null =>
  call.has('ofOthers') ? (call.query.user_id?.[0] ?? null) : null

export const keyPairHandlers = (domain: KeyPairs): HandlerTable =>
  handlers(keyPairs, {
    list: async call => {
      const { query } = call
      const paging = call.has('paged')
        ? { limit: query.limit?.at(-1) ?? null, marker: query.marker?.at(-1) ?? null }
        : null
      const { pairs, isFull } = await domain.list(call.ctx, ownerOf(call), paging)
      const shown = await call.list(summary, pairs)
      return {
        keypairs: shown.map(keypair => ({ keypair })),
        ...linksRow(call, 'keypairs', isFull ? (pairs.at(-1)?.name ?? null) : null),
      }
    },
    show: async call => {
      const found = await domain.find(call.ctx, ownerOf(call), call.params.name)
      return { keypair: await call.show(whole, found) }
    },
    create: async call => {
      const given = call.body.keypair
      const made = await domain.create(call.ctx, {
        name: given.name,
        type: given.type ?? 'ssh',
        publicKey: given.public_key,
        userId: given.user_id === undefined || given.user_id === '' ? null : given.user_id,
      })
      return { keypair: await call.show(fresh, made) }
    },
    remove: call => domain.remove(call.ctx, ownerOf(call), call.params.name),
  })
