// Small ISO 9660 images with long names (Rock Ridge and Joliet): config drives.
import { access, chmod, mkdir, mkdtemp, open, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Exec } from '#host/node/exec.ts'

/** Programs that take mkisofs' options, in order of preference, with what is needed to ask for them. */
const MAKERS: readonly (readonly string[])[] = [['genisoimage'], ['xorriso', '-as', 'mkisofs'], ['mkisofs']]

export interface IsoRequest {
  readonly exec: Exec
  /** At most 32 characters; cloud images look for `config-2`. */
  readonly volumeId: string
  /** Relative path → contents, e.g. `openstack/latest/meta_data.json`. */
  readonly files: Readonly<Record<string, string | Uint8Array>>
  /** Absolute path of the image, mode 0600; must not exist. */
  readonly out: string
  /** For tests: how to find a program. */
  readonly find?: (program: string) => Promise<boolean>
}

/**
 * Writes the image. Throws when no program is there (the sentence names the packages), when a path leads outside,
 * or `ExecError`; nothing is left behind then.
 */
export async function makeIso({ exec, volumeId, files, out, find = inPath }: IsoRequest): Promise<void> {
  if (!/^[\w.-]{1,32}$/.test(volumeId)) throw new Error(`not a volume id: ${volumeId}`)
  if (!out.startsWith('/')) throw new Error(`not an absolute path: ${out}`)
  const maker = await firstMaker(find)
  await (await open(out, 'wx', 0o600)).close()
  const staging = await mkdtemp(`${out}.`)
  try {
    for (const [path, contents] of Object.entries(files)) {
      const target = join(staging, safe(path))
      await mkdir(dirname(target), { recursive: true, mode: 0o700 })
      await writeFile(target, contents, { mode: 0o600, flag: 'wx' })
    }
    const names = ['-rational-rock', '-joliet', '-joliet-long', '-input-charset', 'utf-8']
    await exec.run([...maker, '-quiet', '-volid', volumeId, ...names, '-o', out, staging], { timeoutMs: 60_000 })
    await chmod(out, 0o600)
  } catch (error) {
    await rm(out, { force: true })
    throw error
  } finally {
    await rm(staging, { recursive: true, force: true })
  }
}

async function firstMaker(find: (program: string) => Promise<boolean>): Promise<readonly string[]> {
  for (const maker of MAKERS) if (await find(maker[0] ?? '')) return maker
  throw new Error('no program to write a config drive with: install genisoimage or xorriso')
}

function safe(path: string): string {
  const parts = path.split('/')
  if (parts.some(part => part === '' || part === '.' || part === '..' || !/^[\w.,+@ -]+$/.test(part)))
    throw new Error(`not a path for a config drive: ${path}`)
  return path
}

async function inPath(program: string): Promise<boolean> {
  for (const folder of `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`.split(':')) {
    try {
      await access(join(folder, program), 1)
      return true
    } catch {
      // not here
    }
  }
  return false
}
