// Puts queues on devices: what is on them already is left alone, what nobody wants is taken off.
import type { Fabric } from '#host/linux/fabric.ts'
import type { LinkRow } from '#host/linux/ip-batch.ts'
import { shapingOf, type ShapedDevice } from '#services/neutron/drivers/shaping.ts'
import type { HostNetworkState } from '#services/neutron/drivers/mechanism.ts'
import { IFB_DEVICE } from '#services/neutron/drivers/names.ts'

export interface Shaper {
  /** `full`: what is on the devices is not known. Gives failures by owner. */
  converge(
    state: HostNetworkState,
    links: readonly LinkRow[],
    full: boolean,
  ): Promise<readonly { readonly owner: ShapedDevice['owner']; readonly why: string }[]>
  forget(): void
}

export function createShaper(fabric: Fabric): Shaper {
  /** Namespace and device → what was set, and the number of the device it was set on. */
  const applied = new Map<string, string>()
  const keyOf = (one: Pick<ShapedDevice, 'namespace' | 'device'>): string => `${one.namespace ?? ''} ${one.device}`

  /** Runs lines; the complaint of each, null where it has none. */
  const tc = async (namespace: string | null, lines: readonly string[]): Promise<(string | null)[]> => {
    if (lines.length === 0) return []
    const exec = namespace === null ? fabric.exec : fabric.execIn(namespace)
    const done = await exec.run(['tc', '-force', '-batch', '-'], { stdin: `${lines.join('\n')}\n`, anyCode: true })
    const said: (string | null)[] = lines.map(() => null)
    let from = 0
    for (const match of done.stderr.matchAll(/Command failed -:(\d+)\n?/g)) {
      said[Number(match[1]) - 1] = done.stderr.slice(from, match.index).trim().replace(/\s+/g, ' ') || 'failed'
      from = match.index + match[0].length
    }
    return said
  }
  const clearing = (device: string): string[] => [`qdisc del dev ${device} root`, `qdisc del dev ${device} ingress`]

  /** Devices of the fabric that have queues, whoever set them. */
  async function found(): Promise<Set<string>> {
    const listing = await fabric.exec.run(['tc', '-j', 'qdisc', 'show'], { anyCode: true })
    try {
      const rows = JSON.parse(listing.stdout) as { kind: string; dev: string }[]
      return new Set(rows.filter(row => ['htb', 'ingress'].includes(row.kind)).map(row => row.dev))
    } catch {
      return new Set()
    }
  }

  return {
    async converge(state, links, full) {
      const wanted = shapingOf(state)
      if (wanted.length === 0 && applied.size === 0 && !full) return []
      const numbers = new Map(links.map(link => [link.name, link.index]))
      const failed: { owner: ShapedDevice['owner']; why: string }[] = []
      const keys = new Set(wanted.map(keyOf))
      if (full) {
        applied.clear()
        const ours = new Set([...wanted.filter(one => one.namespace === null).map(one => one.device)])
        const stale = [...(await found())].filter(device => !ours.has(device) && !IFB_DEVICE.test(device))
        await tc(null, stale.flatMap(clearing))
      }
      for (const key of [...applied.keys()].filter(one => !keys.has(one))) {
        const [namespace = '', device = ''] = key.split(' ')
        applied.delete(key)
        if (namespace !== '' || numbers.has(device)) await tc(namespace === '' ? null : namespace, clearing(device))
      }
      const ifbs = new Set(wanted.flatMap(one => one.ifb ?? []))
      await fabric.link.run([
        ...links
          .filter(link => IFB_DEVICE.test(link.name) && !ifbs.has(link.name))
          .map(link => `link del dev ${link.name}`),
        ...[...ifbs].filter(name => !numbers.has(name)).map(name => `link add dev ${name} txqueuelen 1000 type ifb`),
        ...[...ifbs].map(name => `link set dev ${name} up`),
      ])
      for (const one of wanted) {
        // The device of a guest that is not there yet: it gets its queues when it comes.
        if (!numbers.has(one.lives)) continue
        const mark = `${numbers.get(one.lives) ?? 0} ${one.lines.join('\n')}`
        if (applied.get(keyOf(one)) === mark) continue
        const clear = [...clearing(one.device), ...(one.ifb === null ? [] : [`qdisc del dev ${one.ifb} root`])]
        const said = await tc(one.namespace, [...clear, ...one.lines])
        const problem = said.slice(clear.length).find(word => word !== null)
        if (problem === undefined || problem === null) applied.set(keyOf(one), mark)
        else {
          applied.delete(keyOf(one))
          failed.push({ owner: one.owner, why: `its bandwidth could not be limited: ${problem}` })
        }
      }
      return failed
    },
    forget: () => applied.clear(),
  }
}
