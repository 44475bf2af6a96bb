// Config drives: the small ISO, labelled `config-2`, from which a guest without a metadata service learns who it is.
import { mkdir, rename, rm } from 'node:fs/promises'

/** Path inside the drive → contents: `openstack/latest/meta_data.json`, `openstack/latest/user_data`, `ec2/latest/…`. */
export type ConfigDriveFiles = Readonly<Record<string, string | Uint8Array>>

export interface ConfigDrives {
  /** Writes the drive of a server, replacing an earlier one. Returns its path; the hypervisor makes its own copy at each start. */
  write(serverId: string, files: ConfigDriveFiles): Promise<string>
  /** Harmless when there is none. */
  remove(serverId: string): Promise<void>
}

/** Makes an ISO 9660 image with long names at `out`, which does not exist yet. As in `host/block/iso.ts`. */
export type MakeIso = (request: { volumeId: string; files: ConfigDriveFiles; out: string }) => Promise<void>

/** As upstream: user data has its own limit of 64 KiB, so a drive that is larger than this is a mistake. */
const MOST_BYTES = 64 * 2 ** 20
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** Drives in `folder` (0700: they hold passwords and user data), one file per server. */
export function createConfigDrives(options: { readonly folder: string; readonly makeIso: MakeIso }): ConfigDrives {
  const { folder, makeIso } = options
  let drafts = 0
  const path = (serverId: string): string => {
    if (!UUID.test(serverId)) throw new RangeError(`not a server's id: ${serverId}`)
    return `${folder}/${serverId}.iso`
  }
  return {
    async write(serverId, files) {
      const out = path(serverId)
      const bytes = Object.values(files).reduce(
        (sum, file) => sum + (typeof file === 'string' ? Buffer.byteLength(file) : file.length),
        0,
      )
      if (bytes > MOST_BYTES) throw new RangeError(`a config drive of ${bytes} bytes is too large`)
      await mkdir(folder, { recursive: true, mode: 0o700 })
      const draft = `${folder}/.${serverId}.${process.pid}.${++drafts}.iso`
      await rm(draft, { force: true })
      await makeIso({ volumeId: 'config-2', files, out: draft })
      await rename(draft, out)
      return out
    },
    remove: serverId => rm(path(serverId), { force: true }),
  }
}
