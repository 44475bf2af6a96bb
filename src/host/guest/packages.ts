// Where the guest's programs come from: the distribution's own packages, as installed, or downloaded with apt and unpacked beside (no root needed, nothing installed).
import { access, mkdir, readdir, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import type { Exec } from '#host/node/exec.ts'

/** A package whose files can be read below `root` (`/` when it is installed). */
export interface FoundPackage {
  readonly name: string
  readonly version: string
  readonly root: string
}

export interface Packages {
  /** Announces packages that will be asked for, so that those the system lacks come in one go: each call of apt costs a third of a second. */
  prepare(names: readonly string[], options?: { evenInstalled?: boolean }): Promise<void>
  /** Reads the list of packages anew, for us alone; false when that fails or was done. */
  refresh(): Promise<boolean>
  /** The package, from wherever it can be had; nothing when neither apt nor the system has it. */
  find(name: string): Promise<FoundPackage | undefined>
  /** The same, always by download: for packages that must not be taken from the running system. */
  download(name: string): Promise<FoundPackage | undefined>
  /** What a package, fetched or not, says it depends on: by name, first alternatives only. Empty when nobody knows it. */
  dependencies(name: string): Promise<string[]>
  /** A shared library among all that was found, or on the system. */
  library(soname: string): Promise<string | undefined>
  /** Name → version of everything used so far. */
  used(): Record<string, string>
}

const MULTIARCH = ['lib/x86_64-linux-gnu', 'usr/lib/x86_64-linux-gnu', 'lib64', 'lib', 'usr/lib']

/** `folder` keeps downloaded packages, `unpacked` is where they are opened. `log` hears of each download. */
export async function createPackages(options: {
  exec: Exec
  folder: string
  unpacked: string
  log: (line: string) => void
}): Promise<Packages> {
  const { exec, folder, unpacked, log } = options
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await mkdir(unpacked, { recursive: true })
  const installed = await listInstalled(exec)
  const found = new Map<string, FoundPackage>()
  /** For every call of apt: do not wait long; and, once the system's lists were found to be missing or stale, lists of our own. */
  let own: readonly string[] = ['-o', 'Acquire::Retries=0', '-o', 'Acquire::http::Timeout=20']
  let triedOwn = false

  const ownLists = async (): Promise<boolean> => {
    if (triedOwn) return false
    triedOwn = true
    const state = join(folder, 'apt')
    await mkdir(join(state, 'lists', 'partial'), { recursive: true })
    await mkdir(join(state, 'cache', 'archives', 'partial'), { recursive: true })
    const lists = [
      `Dir::State=${state}`,
      'Dir::State::status=/var/lib/dpkg/status',
      `Dir::Cache=${join(state, 'cache')}`,
    ]
    const options = [...own, ...lists.flatMap(option => ['-o', option])]
    log('reading the list of packages')
    const done = await attempt(exec.run(['apt-get', ...options, '-qq', 'update'], { timeoutMs: 300_000 }))
    if (done === undefined) return false
    own = options
    return true
  }

  /** Package → file in `folder`. */
  const files = new Map<string, string>()

  /** Makes sure of the files of these packages; what apt cannot give is not in `files` afterwards. */
  const fetchAll = async (names: readonly string[]): Promise<boolean> => {
    const uris = await attempt(
      exec.run(['apt-get', ...own, 'download', '--print-uris', ...names], { timeoutMs: 60_000 }),
    )
    const offered = [...(uris?.stdout ?? '').matchAll(/^'[^']+' ((\S+?)_\S+\.deb) /gm)].map(
      ([, file = '', name = '']) => ({ file, name }),
    )
    if (offered.length < names.length) return false
    const here = new Set(await readdir(folder))
    const missing = offered.filter(({ file }) => !here.has(file))
    if (missing.length > 0) {
      log(`downloading ${missing.map(({ name }) => name).join(', ')}`)
      const wanted = missing.map(({ name }) => name)
      const done = await attempt(
        exec.run(['apt-get', ...own, '-q', 'download', ...wanted], { cwd: folder, timeoutMs: 600_000 }),
      )
      if (done === undefined) return false
    }
    for (const { file, name } of offered) files.set(name, join(folder, file))
    return true
  }

  const fetch = async (name: string): Promise<string | undefined> => {
    if (files.has(name)) return files.get(name)
    if ((await fetchAll([name])) || ((await ownLists()) && (await fetchAll([name])))) return files.get(name)
    return kept(name)
  }

  /** Without a network: what an earlier build downloaded. */
  const kept = async (name: string): Promise<string | undefined> => {
    const all = (await readdir(folder)).filter(file => file.startsWith(`${name}_`) && file.endsWith('.deb'))
    const last = all.toSorted((a, b) => (a < b ? -1 : 1)).at(-1)
    return last === undefined ? undefined : join(folder, last)
  }

  const unpack = async (name: string, file: string): Promise<FoundPackage> => {
    const root = join(unpacked, name)
    await exec.run(['dpkg-deb', '-x', file, root], { timeoutMs: 120_000 })
    const version = (await exec.run(['dpkg-deb', '-f', file, 'Version'])).stdout.trim()
    return { name, version, root }
  }

  const packages: Packages = {
    refresh: ownLists,

    async prepare(names, { evenInstalled } = {}) {
      const wanted = names.filter(name => evenInstalled === true || !installed.has(name))
      // Together or, when one of them is unknown, each for itself later.
      if (wanted.length > 0 && !(await fetchAll(wanted)) && (await ownLists())) await fetchAll(wanted)
    },

    async find(name) {
      const known = found.get(name)
      if (known !== undefined) return known
      const version = installed.get(name)
      if (version === undefined) return packages.download(name)
      const here = { name, version, root: '/' }
      found.set(name, here)
      return here
    },

    async download(name) {
      const known = found.get(name)
      if (known !== undefined && known.root !== '/') return known
      const file = await fetch(name)
      if (file === undefined) return undefined
      const there = await unpack(name, file)
      found.set(name, there)
      // What it needs and the system lacks comes along; libraries only, programs are asked for by name.
      for (const each of await packages.dependencies(name))
        if (each.startsWith('lib') && !installed.has(each) && !found.has(each)) await packages.download(each)
      return there
    },

    async dependencies(name) {
      const file = files.get(name)
      if (file === undefined) {
        const listed = await attempt(
          exec.run(['apt-cache', ...own, 'depends', '--no-recommends', '--no-suggests', name]),
        )
        return [...(listed?.stdout ?? '').matchAll(/^\s+(?:Pre)?Depends: (\S+)$/gm)].map(match => match[1] ?? '')
      }
      const { stdout } = await exec.run(['dpkg-deb', '-f', file, 'Pre-Depends', 'Depends'])
      return stdout
        .split(/,|\n/)
        .map(each => /^(?:(?:Pre-)?Depends:)?\s*([a-z0-9][a-z0-9.+-]+)/.exec(each.trim())?.[1] ?? '')
        .filter(each => each !== '')
    },

    async library(soname) {
      for (const { root } of [...[...found.values()].filter(each => each.root !== '/'), { root: '/' }])
        for (const place of MULTIARCH) {
          const path = await attempt(realpath(join(root, place, soname)))
          if (path !== undefined) return path
        }
      return undefined
    },

    used: () =>
      Object.fromEntries(
        [...found.values()]
          .map(({ name, version }) => [name, version] as const)
          .toSorted(([a], [b]) => (a < b ? -1 : 1)),
      ),
  }
  return packages
}

/** The first of these paths that exists below a package's root. */
export async function fileIn(pack: FoundPackage, ...paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) {
    const whole = join(pack.root, path)
    if ((await attempt(access(whole, 4).then(() => true))) === true) return whole
  }
  return undefined
}

async function listInstalled(exec: Exec): Promise<Map<string, string>> {
  const format = '${binary:Package} ${db:Status-Status} ${Version}\n'
  const listed = await attempt(exec.run(['dpkg-query', '-W', '-f', format]))
  const installed = new Map<string, string>()
  for (const line of (listed?.stdout ?? '').split('\n')) {
    const [name, status, version] = line.split(' ')
    if (name !== undefined && version !== undefined && status === 'installed')
      installed.set(name.replace(/:.*/, ''), version)
  }
  return installed
}

/** The result, or nothing: for things that may well not be there. */
export async function attempt<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work
  } catch {
    return undefined
  }
}
