// Key pairs: public keys by name, one set per user.
import { del, get, post } from '#kernel/contract/route.ts'
import { may, must, object } from '#kernel/contract/shape.ts'
import { bool, int, intLike, literal, nullable, raw, repeated, text, words } from '#kernel/contract/shapes.ts'
import { faults } from '#services/nova/contract/faults.ts'
import { rules } from '#services/nova/contract/rules.ts'

const keyName = (pattern: string) =>
  raw<string>({ type: 'string', minLength: 1, maxLength: 255, format: 'name', pattern })
const CreateKeyPair = object({
  name: must(keyName('^[_\\- a-zA-Z0-9]+$')).becomes('2.92', keyName('^[_\\-@. a-zA-Z0-9]+$')),
  /** Absent before 2.92: a pair is made. */
  public_key: may(raw<string | null>({ type: 'string' })).becomesRequired('2.92', { otherwise: null }),
  type: may(words('ssh', 'x509')).since('2.2'),
  user_id: may(text()).since('2.10'),
})

export const KeyPairSummary = object({
  name: must(text()),
  public_key: must(text()),
  fingerprint: must(text()),
  type: must(text()).since('2.2'),
})
export const KeyPairView = object({
  name: must(text()),
  public_key: must(text()),
  fingerprint: must(text()),
  user_id: must(text()),
  created_at: must(text()),
  deleted: must(bool),
  deleted_at: must(literal(null)),
  id: must(int()),
  updated_at: must(literal(null)),
  type: must(text()).since('2.2'),
})
/** What creation answers: the private half is shown once and never kept. */
export const NewKeyPairView = object({
  name: must(text()),
  public_key: must(text()),
  fingerprint: must(text()),
  user_id: must(text()),
  private_key: may(nullable(text())).until('2.91'),
  type: must(text()).since('2.2'),
})

const userQuery = { user_id: may(repeated(text())).since('2.10') }
const oneQuery = object(userQuery, { extra: { refusedFrom: '2.75' } })
const at = '/v2.1/os-keypairs/{name}'

export const keyPairs = {
  list: get('/v2.1/os-keypairs', {
    policy: rules.keypairsIndex,
    query: object(
      {
        ...userQuery,
        limit: may(repeated(intLike({ min: 0 }))).since('2.35'),
        marker: may(repeated(text())).since('2.35'),
      },
      { extra: { refusedFrom: '2.75' } },
    ),
    switches: { ofOthers: '2.10', paged: '2.35' },
  }),
  show: get(at, {
    policy: rules.keypairsShow,
    query: oneQuery,
    switches: { ofOthers: '2.10' },
    faults: [faults.KeyPairNotFound],
  }),
  create: post('/v2.1/os-keypairs', {
    policy: rules.keypairsCreate,
    body: object({ keypair: must(CreateKeyPair) }),
    status: { '2.1': 200, '2.2': 201 },
    faults: [faults.KeyPairExists, faults.InvalidKeyPair, faults.OverQuotaSimple],
  }),
  remove: del(at, {
    policy: rules.keypairsDelete,
    query: oneQuery,
    status: { '2.1': 202, '2.2': 204 },
    switches: { ofOthers: '2.10' },
    faults: [faults.KeyPairNotFound],
  }),
}
