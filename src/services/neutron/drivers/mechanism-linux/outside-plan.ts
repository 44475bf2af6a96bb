// The external namespace: the gateway addresses of the external networks, and where it is allowed, the way on to the world.
import { EGRESS_DEVICE } from '#host/linux/egress.ts'
import { EMPTY_PLAN, type NamespacePlan } from '#services/neutron/drivers/namespace-plan.ts'

/** Where no guest may be led: what a provider of this machine answers there is for the machine alone. */
const NEVER = '{ 127.0.0.0/8, 169.254.0.0/16 }'

/** `devices`: the external networks' devices with the gateway addresses. */
export function outsidePlan(devices: ReadonlyMap<string, readonly string[]>, egress: boolean): NamespacePlan {
  if (!egress) return { ...EMPTY_PLAN, devices }
  const chain = (hook: string, rules: readonly string[]) => ({ hook: `type ${hook}; policy accept;`, rules })
  return {
    ...EMPTY_PLAN,
    devices,
    switches: ['net/ipv4/ip_forward'],
    tables: [
      {
        family: 'ip',
        table: 'koto',
        sets: new Map(),
        maps: new Map(),
        chains: new Map([
          ['onward', chain('filter hook forward priority 0', [`oifname "${EGRESS_DEVICE}" ip daddr ${NEVER} drop`])],
          ['outward', chain('nat hook postrouting priority 100', [`oifname "${EGRESS_DEVICE}" masquerade`])],
        ]),
      },
    ],
  }
}
