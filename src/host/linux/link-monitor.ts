// Hears of devices that come and go in the fabric, so that nobody has to look again and again.
import type { Fabric } from '#host/linux/fabric.ts'

/** A device as `ip monitor` tells of it. */
export interface LinkEvent {
  readonly name: string
  readonly gone: boolean
  readonly master: string | null
}

/** Reads one line of `ip -o monitor link`; null for lines that tell of something else. */
export function parseLinkEvent(line: string): LinkEvent | null {
  const match = /^(Deleted )?\d+: ([^:@\s]+)(?:@[^:\s]+)?: </.exec(line)
  if (match === null) return null
  return { name: match[2] ?? '', gone: match[1] !== undefined, master: / master (\S+)/.exec(line)?.[1] ?? null }
}

/** Calls back for each event until the returned function is called. When `ip` dies, `lost` is called and nothing more is heard. */
export function monitorLinks(fabric: Fabric, heard: (event: LinkEvent) => void, lost: () => void): () => void {
  const child = fabric.exec.talk(['ip', '-o', 'monitor', 'link'])
  let rest = ''
  let ended = false
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      const event = parseLinkEvent(line)
      if (event !== null && !ended) heard(event)
    }
  })
  child.stderr?.resume()
  child.on('error', () => undefined)
  child.on('close', () => {
    if (!ended) lost()
    ended = true
  })
  child.unref()
  for (const pipe of [child.stdin, child.stdout, child.stderr]) (pipe as { unref?: () => void } | null)?.unref?.()
  return () => {
    ended = true
    child.kill()
  }
}
