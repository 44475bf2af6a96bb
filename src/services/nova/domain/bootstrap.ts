// First data of the compute service, through its public API: the flavors everybody expects, and the demo user's key. Asked at each
// start; what is there is left alone.
import { client, RemoteFault, type Transport } from '#kernel/http/client.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { flavors } from '#services/nova/contract/flavors.ts'
import { keyPairs } from '#services/nova/contract/key-pairs.ts'

export interface ComputeWish {
  readonly nova: Transport
  /** An administrator's. */
  readonly ctx: Ctx
  readonly demoUserId: string
  /** The demo key's line, `ssh-ed25519 AAAA… koto`. */
  readonly publicKey: string
}

/** Id, name, virtual CPUs, memory in MB, disk in GB. Ids as DevStack's. */
const FLAVORS: readonly (readonly [id: string, name: string, vcpus: number, ramMb: number, diskGb: number])[] = [
  ['42', 'm1.nano', 1, 128, 1],
  ['84', 'm1.micro', 1, 192, 1],
  ['1', 'm1.tiny', 1, 512, 1],
  ['2', 'm1.small', 1, 2048, 20],
  ['3', 'm1.medium', 2, 4096, 40],
  ['4', 'm1.large', 4, 8192, 80],
  ['5', 'm1.xlarge', 8, 16384, 160],
]
const KEY = 'koto'
const AT = '2.92'

/** Seven flavors and the key pair `koto`; a key of that name whose line is another is replaced. Throws RemoteFault. */
export async function bootstrapCompute({ nova, ctx, demoUserId, publicKey }: ComputeWish): Promise<void> {
  const flavor = client(flavors, nova, 'compute')
  const listed = await flavor.list(ctx, { query: { is_public: 'none' }, at: AT })
  const there = listed['flavors'] as { id: string; name: string }[]
  for (const [id, name, vcpus, ram, disk] of FLAVORS) {
    if (there.some(one => one.id === id || one.name === name)) continue
    await unlessThere(flavor.create(ctx, { at: AT, body: { flavor: { id, name, vcpus, ram, disk } } }))
  }

  const key = client(keyPairs, nova, 'compute')
  const params = { name: KEY }
  const query = { user_id: demoUserId }
  try {
    const shown = await key.show(ctx, { params, query, at: AT })
    if ((shown['keypair'] as { public_key: string }).public_key === publicKey) return
    await key.remove(ctx, { params, query, at: AT })
  } catch (error) {
    if (!(error instanceof RemoteFault) || error.status !== 404) throw error
  }
  const keypair = { name: KEY, type: 'ssh' as const, public_key: publicKey, user_id: demoUserId }
  await unlessThere(key.create(ctx, { at: AT, body: { keypair } }))
}

/** Another starter was quicker: as good. */
async function unlessThere(made: Promise<unknown>): Promise<void> {
  try {
    await made
  } catch (error) {
    if (!(error instanceof RemoteFault) || error.status !== 409) throw error
  }
}
