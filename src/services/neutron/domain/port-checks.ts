// What a port may be: its groups, address pairs, DHCP options, its owner. Refusals in upstream's words.
import type { Ctx } from '#kernel/lib/context.ts'
import { faults } from '#services/neutron/contract/faults.ts'
import type { NeutronSettings } from '#services/neutron/config.ts'
import { routersDb } from '#services/neutron/db/routers.ts'
import { securityGroupsDb } from '#services/neutron/db/security-groups.ts'
import { AS_SHARED, sharingDb } from '#services/neutron/db/sharing.ts'
import type { Q } from '#services/neutron/db/standard.ts'
import type { AddressPair, DhcpOption } from '#services/neutron/db/tables.ts'
import { canonicalIp, canonicalMac, formatIp, parseCidr } from '#services/neutron/domain/addresses.ts'
import type { Access } from '#services/neutron/domain/access.ts'
import { isRouterPort } from '#services/neutron/domain/owners.ts'

const bad = (reason: string): never => {
  throw faults.HTTPBadRequest({ reason })
}

/** Groups exist and are the project's, or shared with it. @throws SecurityGroupNotFound, SecurityGroupConflict */
export async function checkGroups(
  q: Q,
  asked: readonly string[],
  projectId: string,
  isAdmin: boolean,
): Promise<string[]> {
  const found = await securityGroupsDb.byIds(q, asked)
  const foreign = [...found.values()].filter(group => !isAdmin && group.projectId !== projectId).map(group => group.id)
  const shared = foreign.length === 0 ? new Set<string>() : await sharingDb.among(q, foreign, projectId, AS_SHARED)
  const missing = asked.filter(id => !found.has(id) || (foreign.includes(id) && !shared.has(id)))
  if (missing.length > 0) throw faults.SecurityGroupNotFound({ id: missing.join(', ') })
  if (new Set([...found.values()].map(group => group.stateful)).size > 1)
    throw faults.SecurityGroupConflict({
      reason: 'Cannot apply both stateful and stateless security groups on the same port at the same time',
    })
  return [...new Set(asked)]
}

interface AskedPair {
  readonly ip_address: string
  readonly mac_address?: string
}
/** Pairs in ordinary form, each with a hardware address. @throws HTTPBadRequest, DuplicateAddressPairInRequest, AllowedAddressPairExhausted */
export function addressPairsFor(
  asked: readonly AskedPair[],
  portMac: string,
  settings: NeutronSettings,
): AddressPair[] {
  if (asked.length > settings.maxAllowedAddressPair)
    throw faults.AllowedAddressPairExhausted({ quota: settings.maxAllowedAddressPair })
  const seen = new Set<string>()
  return asked.map(pair => {
    const cidr = parseCidr(pair.ip_address, { bare: true })
    if (cidr === null)
      return bad(
        `Invalid input for allowed_address_pairs. Reason: '${pair.ip_address}' is neither a valid IP address, nor is it a valid IP subnet.`,
      )
    const mac = pair.mac_address === undefined ? portMac : (canonicalMac(pair.mac_address) ?? pair.mac_address)
    const ip = pair.ip_address.includes('/')
      ? `${formatIp(cidr.version, cidr.ip)}/${cidr.prefix}`
      : canonicalIp(pair.ip_address)
    const key = `${mac} ${ip}`
    if (seen.has(key)) throw faults.DuplicateAddressPairInRequest({ mac_address: mac, ip_address: ip })
    seen.add(key)
    return { mac_address: mac, ip_address: ip }
  })
}

interface AskedOption {
  readonly opt_name: string
  readonly opt_value: string | null
  readonly ip_version?: 4 | 6
}
const MAY_BE_BLANK: ReadonlySet<string> = new Set(['router', 'classless-static-route'])
/**
 * The port's options after a change: a null value takes one away, a value sets it. What reaches the DHCP server is one line of printable
 * characters. @throws HTTPBadRequest
 */
export function dhcpOptionsFor(has: readonly DhcpOption[], asked: readonly AskedOption[]): DhcpOption[] {
  const made = new Map(has.map(option => [`${option.opt_name} ${option.ip_version}`, option]))
  for (const option of asked) {
    const version = option.ip_version ?? 4
    const key = `${option.opt_name} ${version}`
    const value = option.opt_value
    if (!/^[A-Za-z0-9][A-Za-z0-9_.:-]*$/.test(option.opt_name))
      bad(`Invalid input for extra_dhcp_opts. Reason: '${option.opt_name}' is not a valid DHCP option name.`)
    if (value === null) {
      made.delete(key)
      continue
    }
    if (value.trim() === '' && !MAY_BE_BLANK.has(option.opt_name))
      bad(`Invalid input for extra_dhcp_opts. Reason: '${value}' Blank strings are not permitted.`)
    if (/[\p{Cc}\p{Zl}\p{Zp}]/u.test(value))
      bad(`Invalid input for extra_dhcp_opts. Reason: Multi-line string is not allowed: '${value}'.`)
    made.set(key, { opt_name: option.opt_name, opt_value: value, ip_version: version })
  }
  return [...made.values()]
}

interface AskedIp {
  readonly subnet_id?: string
  readonly ip_address?: string
}
/** @throws HTTPBadRequest, InvalidInput when an address comes twice or there are too many. */
export function checkFixedIps(asked: readonly AskedIp[], settings: NeutronSettings): void {
  const seen = new Set<string>()
  for (const { ip_address: text } of asked) {
    if (text === undefined) continue
    const ip = canonicalIp(text)
    if (seen.has(ip)) bad(`Invalid input for fixed_ips. Reason: Duplicate IP address '${text}'.`)
    seen.add(ip)
  }
  if (asked.length > settings.maxFixedIpsPerPort)
    throw faults.InvalidInput({ error_message: 'Exceeded maximum amount of fixed ips per port' })
}

/** Nobody slips a port into another project's router. @throws DeviceIDNotOwnedByProject */
export async function checkDevice(
  q: Q,
  ctx: Ctx,
  access: Access,
  device: { readonly owner: string; readonly id: string },
  projectId: string,
): Promise<void> {
  if (access.isAdmin(ctx) || !isRouterPort(device.owner) || device.id === '') return
  const router = await routersDb.byId(q, device.id)
  if (router !== null && router.projectId !== projectId)
    throw faults.DeviceIDNotOwnedByProject({ device_id: device.id })
}
