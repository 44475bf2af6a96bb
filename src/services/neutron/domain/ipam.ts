// Addresses for ports: which subnets, which address, and the row that makes it the port's alone. Runs inside the caller's transaction.
import { isDuplicate } from '#kernel/db/errors.ts'
import { faults } from '#services/neutron/contract/faults.ts'
import { allocationsDb, isAutoAddressed, type Allocation, type Subnet } from '#services/neutron/db/subnets.ts'
import type { Q } from '#services/neutron/db/standard.ts'
import {
  canonicalIp,
  eui64,
  formatIp,
  fromKey,
  keyOf,
  parseCidr,
  parseIp,
  usable,
  within,
  type Cidr,
} from '#services/neutron/domain/addresses.ts'
import { isRouterPort } from '#services/neutron/domain/owners.ts'

/** An address as somebody asked for it. */
export interface Wish {
  readonly subnetId?: string
  readonly ip?: string
}
export interface Holder {
  readonly portId: string
  readonly networkId: string
  readonly mac: string
  readonly deviceOwner: string
}

export const cidrOf = (subnet: Pick<Subnet, 'cidr'>): Cidr => {
  const cidr = parseCidr(subnet.cidr)
  if (cidr === null) throw new Error(`subnet with the CIDR ${subnet.cidr}`)
  return cidr
}

/** The subnet a wish means. @throws InvalidInput, SubnetNotFound, InvalidIpForSubnet, InvalidIpForNetwork */
async function subnetFor(q: Q, wish: Wish, subnets: readonly Subnet[], holder: Holder): Promise<Subnet> {
  if (subnets.length === 0) throw faults.InvalidInput({ error_message: 'IP allocation requires subnets for network' })
  const ip = wish.ip === undefined ? null : parseIp(wish.ip)
  const fits = (subnet: Subnet): boolean => ip !== null && usable(cidrOf(subnet), ip, isRouterPort(holder.deviceOwner))
  if (wish.subnetId !== undefined) {
    const subnet = subnets.find(one => one.id === wish.subnetId)
    if (subnet === undefined) {
      const other = await q.selectFrom('subnets').select('id').where('id', '=', wish.subnetId).executeTakeFirst()
      if (other === undefined) throw faults.SubnetNotFound({ subnet_id: wish.subnetId })
      throw faults.InvalidInput({
        error_message: `Failed to create port on network ${holder.networkId}, because fixed_ips included invalid subnet ${wish.subnetId}`,
      })
    }
    if (wish.ip !== undefined && !fits(subnet)) throw faults.InvalidIpForSubnet({ ip_address: wish.ip })
    return subnet
  }
  if (wish.ip === undefined)
    throw faults.InvalidInput({ error_message: 'IP allocation requires subnet_id or ip_address' })
  const subnet = subnets.find(fits)
  if (subnet === undefined) throw faults.InvalidIpForNetwork({ ip_address: wish.ip })
  return subnet
}

const SCAN = 512
/** The next address behind the highest taken one of a pool, else the lowest gap; null when the pool is full. */
async function freeInPool(q: Q, subnet: Subnet, first: bigint, last: bigint): Promise<bigint | null> {
  const version = subnet.ipVersion
  const from = keyOf(version, first)
  const to = keyOf(version, last)
  const highest = await allocationsDb.highest(q, subnet.id, from, to)
  if (highest === null) return first
  if (fromKey(highest) < last) return fromKey(highest) + 1n
  let wanted = first
  for (;;) {
    const taken = await allocationsDb.next(q, subnet.id, keyOf(version, wanted), to, SCAN)
    for (const key of taken) {
      if (fromKey(key) !== wanted) return wanted
      wanted += 1n
    }
    if (wanted > last) return null
    if (taken.length < SCAN) return wanted
  }
}
/** The next address of a subnet’s pools that nobody has; null when there is none. */
export async function nextFree(q: Q, subnet: Subnet): Promise<bigint | null> {
  for (const pool of subnet.allocationPools) {
    const start = parseIp(pool.start)
    const end = parseIp(pool.end)
    if (start === null || end === null) continue
    const found = await freeInPool(q, subnet, start.value, end.value)
    if (found !== null) return found
  }
  return null
}

async function take(q: Q, subnet: Subnet, value: bigint, holder: Holder, position: number): Promise<Allocation> {
  const ip = formatIp(subnet.ipVersion, value)
  try {
    await allocationsDb.insert(q, {
      subnet_id: subnet.id,
      ip_key: keyOf(subnet.ipVersion, value),
      ip_address: ip,
      port_id: holder.portId,
      network_id: holder.networkId,
      position,
    })
  } catch (error) {
    if (!isDuplicate(error)) throw error
    throw faults.IpAddressInUse({ net_id: holder.networkId, ip_address: ip })
  }
  return { subnetId: subnet.id, ip }
}

/** A plan for one address: one of these subnets, or exactly this address. */
interface Plan {
  readonly subnets: readonly Subnet[]
  readonly value?: bigint
}
async function carryOut(q: Q, plans: readonly Plan[], holder: Holder, firstPosition: number): Promise<Allocation[]> {
  const made: Allocation[] = []
  for (const plan of plans) {
    const position = firstPosition + made.length
    const [only] = plan.subnets
    if (plan.value !== undefined && only !== undefined) {
      made.push(await take(q, only, plan.value, holder, position))
      continue
    }
    let taken: Allocation | null = null
    for (const subnet of plan.subnets) {
      const value = await nextFree(q, subnet)
      if (value === null) continue
      taken = await take(q, subnet, value, holder, position)
      break
    }
    if (taken === null) throw faults.IpAddressGenerationFailure({ net_id: holder.networkId })
    made.push(taken)
  }
  return made
}

async function plansForWishes(
  q: Q,
  wishes: readonly Wish[],
  subnets: readonly Subnet[],
  holder: Holder,
): Promise<Plan[]> {
  const plans: Plan[] = []
  for (const wish of wishes) {
    const subnet = await subnetFor(q, wish, subnets, holder)
    const auto = isAutoAddressed(subnet) && !isRouterPort(holder.deviceOwner)
    if (wish.ip === undefined) {
      // Addresses that guests give themselves are added for all such subnets, asked for or not.
      if (!auto) plans.push({ subnets: [subnet] })
      continue
    }
    const value = parseIp(wish.ip)?.value ?? 0n
    if (auto && value !== eui64(cidrOf(subnet), holder.mac))
      throw faults.AllocationOnAutoAddressSubnet({ ip: wish.ip, subnet_id: subnet.id })
    plans.push({ subnets: [subnet], value })
  }
  return plans
}
const autoPlans = (subnets: readonly Subnet[], holder: Holder, except: ReadonlySet<string>): Plan[] =>
  isRouterPort(holder.deviceOwner)
    ? []
    : subnets
        .filter(subnet => isAutoAddressed(subnet) && !except.has(subnet.id))
        .map(subnet => ({ subnets: [subnet], value: eui64(cidrOf(subnet), holder.mac) }))

/** Subnets that a port of this owner may have addresses of: those for nobody in particular, or for owners like it. */
const servedBy = (subnets: readonly Subnet[], deviceOwner: string): Subnet[] => {
  const fit = subnets.filter(
    subnet => subnet.serviceTypes.length === 0 || subnet.serviceTypes.some(type => deviceOwner.startsWith(type)),
  )
  // A subnet made for this owner comes before those for anybody.
  const own = fit.filter(subnet => subnet.serviceTypes.length > 0)
  return own.length > 0 ? own : fit
}

/**
 * Gives a new port its addresses: those wished for; without wishes one of each family that the network has subnets of; and those
 * that guests give themselves. An empty list of wishes asks for none but the last kind.
 * @throws IpAddressInUse, IpAddressGenerationFailure, InvalidIpForNetwork, InvalidIpForSubnet, InvalidInput
 */
export async function allocate(
  q: Q,
  holder: Holder,
  subnets: readonly Subnet[],
  wishes: readonly Wish[] | null,
): Promise<Allocation[]> {
  const served = wishes === null ? servedBy(subnets, holder.deviceOwner) : subnets
  const plans: Plan[] = []
  if (wishes === null) {
    const v4 = served.filter(subnet => subnet.ipVersion === 4)
    const v6 = served.filter(
      subnet => subnet.ipVersion === 6 && (!isAutoAddressed(subnet) || isRouterPort(holder.deviceOwner)),
    )
    for (const family of [v4, v6]) if (family.length > 0) plans.push({ subnets: family })
  } else plans.push(...(await plansForWishes(q, wishes, served, holder)))
  const named = new Set(plans.flatMap(plan => (plan.value === undefined ? [] : plan.subnets.map(subnet => subnet.id))))
  plans.push(...autoPlans(served, holder, named))
  return carryOut(q, plans, holder, 0)
}

export interface Reallocation {
  readonly all: readonly Allocation[]
  readonly added: readonly Allocation[]
  readonly removed: readonly Allocation[]
}
/**
 * Makes a port's addresses those wished for. What it has and is wished for stays; a wish for a subnet alone is met by an address it
 * has of it; addresses that guests give themselves stay unless the port moves.
 */
export async function reallocate(
  q: Q,
  holder: Holder,
  subnets: readonly Subnet[],
  has: readonly Allocation[],
  wishes: readonly Wish[],
): Promise<Reallocation> {
  const byId = new Map(subnets.map(subnet => [subnet.id, subnet]))
  const router = isRouterPort(holder.deviceOwner)
  const isAuto = (subnetId: string): boolean => {
    const subnet = byId.get(subnetId)
    return subnet !== undefined && isAutoAddressed(subnet) && !router
  }
  /** What a guest gave itself with a hardware address that it no longer has. */
  const stale = new Set(
    has
      .filter(one => isAuto(one.subnetId) && !isOwnEui64(byId.get(one.subnetId), one.ip, holder.mac))
      .map(one => one.ip),
  )
  const left = new Map(has.map(one => [one.ip, one]))
  const kept: Allocation[] = []
  const open: Wish[] = []
  const asked = wishes
    .map(wish => (wish.ip === undefined ? wish : { ...wish, ip: canonicalIp(wish.ip) }))
    .filter(wish => wish.ip === undefined || !stale.has(wish.ip))
  for (const wish of asked) {
    const same = wish.ip === undefined ? undefined : left.get(wish.ip)
    if (same === undefined) continue
    left.delete(same.ip)
    kept.push(same)
  }
  for (const wish of asked) {
    if (wish.ip !== undefined) {
      if (!kept.some(one => one.ip === wish.ip)) open.push(wish)
      continue
    }
    const same = [...left.values()].find(one => one.subnetId === wish.subnetId)
    if (same === undefined) open.push(wish)
    else {
      left.delete(same.ip)
      kept.push(same)
    }
  }
  const removed: Allocation[] = []
  for (const one of left.values()) {
    if (isAuto(one.subnetId) && !stale.has(one.ip)) kept.push(one)
    else removed.push(one)
  }
  for (const one of removed) {
    const ip = parseIp(one.ip)
    if (ip !== null) await allocationsDb.remove(q, one.subnetId, keyOf(ip.version, ip.value))
  }
  const plans = await plansForWishes(q, open, subnets, holder)
  const handled = new Set([...kept, ...removed.filter(one => !stale.has(one.ip))].map(one => one.subnetId))
  for (const plan of plans) if (plan.value !== undefined) for (const subnet of plan.subnets) handled.add(subnet.id)
  plans.push(...autoPlans(subnets, holder, handled))
  const added = await carryOut(q, plans, holder, await allocationsDb.nextPosition(q, holder.portId))
  return { all: [...kept, ...added], added, removed }
}

function isOwnEui64(subnet: Subnet | undefined, text: string, mac: string): boolean {
  const ip = parseIp(text)
  return subnet !== undefined && ip !== null && ip.value === eui64(cidrOf(subnet), mac)
}

/** Whether an address lies in the pools of a subnet. */
export function inPools(subnet: Subnet, text: string): boolean {
  const ip = parseIp(text)
  if (ip === null || !within(cidrOf(subnet), ip)) return false
  return subnet.allocationPools.some(pool => {
    const start = parseIp(pool.start)
    const end = parseIp(pool.end)
    return start !== null && end !== null && ip.value >= start.value && ip.value <= end.value
  })
}
