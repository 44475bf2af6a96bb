// Puts the firewall into the kernel: one transaction per change, and a port that nft refuses is closed alone.
import { readFile, writeFile } from 'node:fs/promises'
import type { Fabric } from '#host/linux/fabric.ts'
import type { HostNetworkState } from '#services/neutron/drivers/mechanism.ts'
import { reason } from '#services/neutron/drivers/checked.ts'
import { firewallOf, type Firewall, type Replies } from '#services/neutron/drivers/firewall.ts'
import { changeScript, wholeScript, type Ruleset } from '#services/neutron/drivers/ruleset.ts'

export interface FilterLoader {
  /** Loads the filters of `state`; `full` replaces the tables whole (connections that stand are not cut). */
  load(state: HostNetworkState, full: boolean): Promise<Firewall>
  /** The tables as they would be, without loading. */
  preview(state: HostNetworkState): Firewall
  forget(): void
}

const ZONES = '/run/koto/zones.json'

/** What this kernel offers for knowing replies, best first; see {@link Replies}. Asks inside the fabric, where it will be used. */
export async function probeReplies(fabric: Fabric): Promise<Replies> {
  const files = ['iptables', 'ip6tables'].map(name => `/proc/sys/net/bridge/bridge-nf-call-${name}`)
  // Only the fabric's own setting: the switch belongs to each network namespace.
  const switched = await fabric.exec.run(['tee', ...files], { stdin: '1', anyCode: true })
  if (switched.code === 0) return 'netfilter'
  const trial =
    'add table bridge kototry\nadd chain bridge kototry c { type filter hook prerouting priority 0; }\nadd rule bridge kototry c ct state established accept\ndelete table bridge kototry\n'
  const bridge = await fabric.exec.run(['nft', '-f', '-'], { stdin: trial, anyCode: true })
  return bridge.code === 0 ? 'bridge' : 'reflexive'
}

export function createFilterLoader(fabric: Fabric, replies: Replies): FilterLoader {
  let loaded: readonly Ruleset[] | null = null
  let closed = new Map<string, string>()
  const zones = new Map<string, number>()
  let zonesRead = false

  /** A number per network that stays while the fabric lives, since connections are kept under it. */
  const number = async (state: HostNetworkState): Promise<void> => {
    if (!zonesRead) {
      const kept = await readFile(fabric.path(ZONES), 'utf8').then(
        text => JSON.parse(text) as Record<string, number>,
        () => ({}),
      )
      for (const [networkId, zone] of Object.entries(kept)) zones.set(networkId, zone)
      zonesRead = true
    }
    const networks = new Set(state.networks.map(network => network.id))
    const before = JSON.stringify([...zones])
    for (const networkId of [...zones.keys()]) if (!networks.has(networkId)) zones.delete(networkId)
    const used = new Set(zones.values())
    let next = 1
    for (const networkId of networks) {
      if (zones.has(networkId)) continue
      while (used.has(next)) next += 1
      zones.set(networkId, next)
      used.add(next)
    }
    if (JSON.stringify([...zones]) !== before)
      await writeFile(fabric.path(ZONES), JSON.stringify(Object.fromEntries(zones)))
  }

  const run = async (script: string): Promise<void> => {
    if (script !== '') await fabric.exec.run(['nft', '-f', '-'], { stdin: script })
  }
  const scriptOf = (tables: readonly Ruleset[], before: readonly Ruleset[] | null): string =>
    tables
      .map(table => {
        const old = before?.find(other => other.family === table.family)
        return old === undefined ? wholeScript(table) : changeScript(old, table)
      })
      .join('')

  /** Tries each port alone, without loading, and gives those that nft refuses. */
  const culprits = async (state: HostNetworkState): Promise<Map<string, string>> => {
    const found = new Map<string, string>()
    for (const port of state.ports) {
      const alone = firewallOf({ ...state, ports: [port] }, replies, zones)
      const script = alone.tables.map(table => wholeScript({ ...table, table: 'kototry' })).join('')
      const tried = await fabric.exec.run(['nft', '-c', '-f', '-'], { stdin: script, anyCode: true })
      if (tried.code !== 0) found.set(port.id, `its filter was refused: ${tried.stderr.trim().split('\n')[0] ?? ''}`)
    }
    return found
  }

  return {
    async load(state, full) {
      await number(state)
      const before = full ? null : loaded
      const stillThere = new Map(
        [...closed].filter(([portId]) => !full && state.ports.some(port => port.id === portId)),
      )
      let wall = firewallOf(state, replies, zones, stillThere)
      try {
        await run(scriptOf(wall.tables, before))
      } catch (error) {
        closed = await culprits(state)
        if (closed.size === 0 && before === null) throw error
        wall = firewallOf(state, replies, zones, closed)
        // The table as we believe it to be may not be the one that is there: say it whole.
        await run(scriptOf(wall.tables, null)).catch((again: unknown) => {
          throw new Error(`the filters could not be loaded: ${reason(again)}`)
        })
      }
      loaded = wall.tables
      return wall
    },
    preview: state => firewallOf(state, replies, zones, closed),
    forget() {
      loaded = null
      zones.clear()
      zonesRead = false
    },
  }
}
