// Makes the devices of networks that span hosts, and keeps their forwarding entries. Such a device lives in the fabric, and its packets
// leave through the machine's own network, whose interfaces are not touched.
import type { Fabric } from '#host/linux/fabric.ts'
import type { LinkRow } from '#host/linux/ip-batch.ts'
import { ip, reason } from '#services/neutron/drivers/checked.ts'
import type { HostNetworkState } from '#services/neutron/drivers/mechanism.ts'
import { overlayOf, VXLAN_PORT, type OverlayDevice } from '#services/neutron/drivers/overlay-plan.ts'

type Note = (networkId: string, why: unknown) => void
export interface Overlay {
  /** Makes what is missing, before devices are put on bridges. True when anything was made. */
  make(state: HostNetworkState, links: readonly LinkRow[], note: Note): Promise<boolean>
  /** Forwarding entries, when devices are on their bridges. `full`: what is there is not known. */
  forward(state: HostNetworkState, links: readonly LinkRow[], full: boolean, note: Note): Promise<void>
  forget(): void
}

/** `local`: this host's address in the network below; null: networks end at this host. */
export function createOverlay(fabric: Fabric, local: string | null): Overlay {
  /** Device → its number in the kernel, and the entries that were set. */
  const applied = new Map<string, { readonly index: number; readonly entries: ReadonlySet<string> }>()
  const wantedOf = (state: HostNetworkState): OverlayDevice[] => (local === null ? [] : overlayOf(state))

  /** What is on a device, in the words of a plan. */
  async function entriesOn(device: string): Promise<string[]> {
    const { stdout } = await fabric.exec.run(['bridge', '-j', 'fdb', 'show', 'dev', device], { anyCode: true })
    try {
      const rows = JSON.parse(stdout) as { mac: string; dst?: string; master?: string; state?: string }[]
      return rows.flatMap(row =>
        row.dst !== undefined
          ? [`${row.mac} dev ${device} dst ${row.dst} self ${row.mac.startsWith('00:00:00') ? 'permanent' : 'static'}`]
          : row.master !== undefined && row.state === 'static'
            ? [`${row.mac} dev ${device} master static`]
            : [],
      )
    } catch {
      return []
    }
  }

  return {
    async make(state, links, note) {
      const there = new Set(links.map(link => link.name))
      let made = false
      for (const one of wantedOf(state)) {
        if (there.has(one.device)) continue
        const argv = [
          'ip',
          'link',
          'add',
          'name',
          one.device,
          'netns',
          'fabric',
          'mtu',
          String(one.mtu),
          'type',
          'vxlan',
        ]
        const rest = ['id', String(one.number), 'local', ip(local ?? ''), 'dstport', String(VXLAN_PORT), 'nolearning']
        try {
          await fabric.bridgeExec.run([...argv, ...rest])
          made = true
        } catch (error) {
          note(one.networkId, `it cannot span hosts: ${reason(error)}`)
        }
      }
      return made
    },
    async forward(state, links, full, note) {
      if (full) applied.clear()
      const numbers = new Map(links.map(link => [link.name, link.index]))
      const wanted = wantedOf(state)
      for (const device of [...applied.keys()]) if (!wanted.some(one => one.device === device)) applied.delete(device)
      for (const one of wanted) {
        const index = numbers.get(one.device)
        if (index === undefined) continue
        const before = applied.get(one.device)
        const known = before?.index === index
        const has = known ? before.entries : new Set(await entriesOn(one.device))
        const lines = [
          // What nobody has told us of is nowhere else: it is not sent out on chance.
          ...(known ? [] : [`link set dev ${one.device} learning off flood off`]),
          ...[...has].filter(entry => !one.entries.has(entry)).map(entry => `fdb del ${entry}`),
          // Several hosts for one address are appended; of other addresses there is one.
          ...[...one.entries]
            .filter(entry => !has.has(entry))
            .map(entry => `fdb ${entry.startsWith('00:00:00:00:00:00') ? 'append' : 'replace'} ${entry}`),
        ]
        if (lines.length === 0) continue
        const done = await fabric.exec.run(['bridge', '-force', '-batch', '-'], {
          stdin: `${lines.join('\n')}\n`,
          anyCode: true,
        })
        if (done.code === 0) applied.set(one.device, { index, entries: one.entries })
        else {
          applied.delete(one.device)
          note(one.networkId, `its forwarding could not be set: ${done.stderr.trim().split('\n')[0] ?? ''}`)
        }
      }
    },
    forget: () => applied.clear(),
  }
}
