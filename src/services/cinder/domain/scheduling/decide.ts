// Which pools would do for a volume: filters with reasons, then the one with the most room. Pure.
import type { Reason } from '#kernel/contract/verdict.ts'
import type { PoolStats } from '#services/cinder/db/tables.ts'

/** What a volume wants. */
export interface PoolWish {
  readonly sizeGb: number
  readonly availabilityZone: string | null
  readonly extraSpecs: Readonly<Record<string, string>>
  /** The pool of the volume whose bytes are copied: no other one reaches them. */
  readonly onlyHost?: string | null
  /** The back end, `host@backend`, of the volume's group. */
  readonly onlyBackend?: string | null
}
/** A pool as it is now. `host` is `host@backend#pool`. */
export interface PoolState {
  readonly host: string
  readonly availabilityZone: string
  readonly up: boolean
  readonly disabled: boolean
  readonly stats: PoolStats
  /** GiB promised to volumes and snapshots. */
  readonly claimedGb: number
  readonly ratio: number
}
export interface PoolVerdict {
  readonly host: string
  readonly because: readonly Reason[]
}

/** GiB that may still be promised. */
export const roomIn = (pool: PoolState): number => pool.stats.totalGb * pool.ratio - pool.claimedGb

/** Whether the pool has room for that much more; the reason when not. */
export function roomVerdict(pool: PoolState, wantedGb: number): Reason | null {
  const room = roomIn(pool)
  if (wantedGb > room)
    return {
      who: 'CapacityFilter',
      says: `${wantedGb} GiB wanted, ${Math.max(0, room)} of ${pool.stats.totalGb * pool.ratio} GiB are not promised yet`,
      has: room,
      wants: wantedGb,
    }
  if (pool.stats.freeGb <= 0)
    return { who: 'CapacityFilter', says: 'the pool is full', has: pool.stats.freeGb, wants: wantedGb }
  return null
}

const capabilitiesOf = (pool: PoolState): Readonly<Record<string, string | number | boolean>> => ({
  volume_backend_name: pool.stats.backend,
  pool_name: pool.stats.pool,
  vendor_name: pool.stats.vendor,
  driver_version: pool.stats.driverVersion,
  storage_protocol: pool.stats.protocol,
  thin_provisioning_support: pool.stats.thin,
  thick_provisioning_support: !pool.stats.thin,
  multiattach: pool.stats.multiattach,
  online_extend_support: pool.stats.onlineExtend,
  QoS_support: false,
  replication_enabled: false,
  total_capacity_gb: pool.stats.totalGb,
  free_capacity_gb: pool.stats.freeGb,
})

/** One extra spec against a capability, in upstream's small language: `<is> True`, `<in> text`, `<or> a <or> b`, `>= 5`, `text`. */
function fits(wants: string, has: string | number | boolean): boolean {
  const [word = '', ...rest] = wants.trim().split(/\s+/)
  const value = rest.join(' ')
  const text = typeof has === 'boolean' ? (has ? 'True' : 'False') : String(has)
  switch (word) {
    case '<is>':
      return ['1', 't', 'true', 'on', 'y', 'yes'].includes(value.toLowerCase()) === (has === true)
    case '<in>':
      return text.includes(value)
    case '<or>':
      return wants
        .split('<or>')
        .map(part => part.trim())
        .filter(part => part !== '')
        .includes(text)
    case 's==':
    case '=':
    case '==':
      return word === '=' ? Number(text) >= Number(value) : text === value
    case '!=':
    case 's!=':
      return text !== value
    case '>=':
      return Number(text) >= Number(value)
    case '<=':
      return Number(text) <= Number(value)
    default:
      return text.toLowerCase() === wants.trim().toLowerCase()
  }
}

function refusals(wish: PoolWish, pool: PoolState): Reason[] {
  const because: Reason[] = []
  if (pool.disabled) because.push({ who: 'service', says: 'the service is disabled' })
  if (!pool.up) because.push({ who: 'service', says: 'the service has not been heard of lately' })
  if (wish.availabilityZone !== null && wish.availabilityZone !== pool.availabilityZone)
    because.push({
      who: 'AvailabilityZoneFilter',
      says: 'it is in another availability zone',
      has: pool.availabilityZone,
      wants: wish.availabilityZone,
    })
  if (wish.onlyHost != null && wish.onlyHost !== pool.host)
    because.push({ who: 'origin', says: 'what it is made of lies elsewhere', has: pool.host, wants: wish.onlyHost })
  if (wish.onlyBackend != null && !pool.host.startsWith(`${wish.onlyBackend}#`))
    because.push({ who: 'group', says: 'its group lies elsewhere', has: pool.host, wants: wish.onlyBackend })
  const capabilities = capabilitiesOf(pool)
  for (const [key, wants] of Object.entries(wish.extraSpecs)) {
    const [scope, bare] = key.includes(':')
      ? [key.slice(0, key.indexOf(':')), key.slice(key.indexOf(':') + 1)]
      : ['', key]
    if (scope !== '' && scope !== 'capabilities') continue // somebody else's
    const has = capabilities[bare]
    if (has === undefined || !fits(wants, has))
      because.push({
        who: 'CapabilitiesFilter',
        says: `the type wants ${bare} to be ${wants}`,
        has: has ?? null,
        wants,
      })
  }
  const room = roomVerdict(pool, wish.sizeGb)
  if (room !== null) because.push(room)
  return because
}

/** Hosts that would do, the one with the most room first, and every pool's verdict. */
export function decide(
  wish: PoolWish,
  pools: readonly PoolState[],
): { hosts: readonly string[]; verdicts: readonly PoolVerdict[] } {
  const verdicts = pools.map(pool => ({ host: pool.host, because: refusals(wish, pool) }))
  const good = pools
    .filter((_pool, index) => verdicts[index]?.because.length === 0)
    .sort((a, b) => roomIn(b) - roomIn(a) || (a.host < b.host ? -1 : 1))
  return { hosts: good.map(pool => pool.host), verdicts }
}
