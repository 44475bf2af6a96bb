// Why an address could not be listened on, in one sentence that names who has it.
import { readFileSync, readdirSync, readlinkSync } from 'node:fs'
import { Refusal } from '#kernel/config/refusal.ts'
import { allPids, programOf } from '#host/node/process-table.ts'

/** Node's own error of a failed `listen` becomes a {@link Refusal}; others pass through. */
export function asPortRefusal(error: unknown): unknown {
  const { code, syscall, address, port } = (error ?? {}) as {
    code?: string
    syscall?: string
    address?: string
    port?: number
  }
  if (syscall !== 'listen' || port === undefined) return error
  switch (code) {
    case 'EADDRINUSE': {
      const owner = ownerOfPort(port)
      const whose = owner === null ? '' : ` by ${owner.program} (process ${owner.pid})`
      return new Refusal(`Port ${port} on ${address} is in use${whose}; name another with --port.`)
    }
    case 'EACCES':
      return new Refusal(
        `Port ${port} on ${address} needs more rights than this user has; name one above 1023 with --port.`,
      )
    case 'EADDRNOTAVAIL':
      return new Refusal(`${address} is not an address of this machine; name another with --bind.`)
    default:
      return error
  }
}

/** Who listens on a TCP port of this machine's own network; null when that cannot be seen. */
export function ownerOfPort(port: number): { pid: number; program: string } | null {
  const inodes = new Set(['/proc/net/tcp', '/proc/net/tcp6'].flatMap(file => listeningInodes(file, port)))
  if (inodes.size === 0) return null
  for (const pid of allPids()) {
    if (holdsSocket(pid, inodes)) return { pid, program: programOf(pid) }
  }
  return null
}

function listeningInodes(file: string, port: number): string[] {
  const LISTEN = '0A'
  try {
    return readFileSync(file, 'utf8')
      .split('\n')
      .slice(1)
      .map(line => line.trim().split(/\s+/))
      .filter(fields => fields[3] === LISTEN && parseInt(fields[1]?.split(':')[1] ?? '', 16) === port)
      .map(fields => `socket:[${fields[9]}]`)
  } catch {
    return []
  }
}

function holdsSocket(pid: number, links: ReadonlySet<string>): boolean {
  const dir = `/proc/${pid}/fd`
  try {
    return readdirSync(dir).some(fd => {
      try {
        return links.has(readlinkSync(`${dir}/${fd}`))
      } catch {
        return false // closed meanwhile
      }
    })
  } catch {
    return false // gone, or not ours to see
  }
}
