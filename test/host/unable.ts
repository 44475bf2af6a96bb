// Whether this machine can carry real guests on real networks.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'

/** Why this machine cannot, or false: what `skip` of a test takes. */
export function unable(): string | false {
  if (process.getuid?.() !== 0) return 'needs root'
  for (const program of ['qemu-system-x86_64', 'qemu-img', 'ip', 'nft', 'dnsmasq']) {
    if (spawnSync('sh', ['-c', `PATH=$PATH:/usr/sbin:/sbin command -v ${program}`]).status !== 0)
      return `${program} is not installed`
  }
  if (spawnSync('unshare', ['-n', 'ip', 'link', 'add', 'br0', 'type', 'bridge']).status !== 0)
    return 'bridges cannot be made here'
  return existsSync('/dev/net/tun') ? false : 'there is no /dev/net/tun'
}
