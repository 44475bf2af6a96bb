// How a command reaches the cloud's public APIs: what the state folder's clouds.yaml says, as a person's client would.
import { Refusal } from '#kernel/config/refusal.ts'
import { nearest } from '#kernel/config/nearest.ts'
import { CLOUD_ENTRIES, type CloudAccess, type CloudEntry } from '#host/node/state-dir-clouds.ts'
import type { StateDir } from '#host/node/state-dir.ts'

/** Reads the file that `up` wrote. @throws Refusal when there is none yet. */
export function readAccess(state: StateDir): CloudAccess {
  const text = state.read('clouds.yaml')
  const value = (name: string): string | null => {
    const match = new RegExp(`^ +${name}: (".*")$`, 'm').exec(text ?? '')
    return match === null ? null : (JSON.parse(match[1] ?? '""') as string)
  }
  const authUrl = value('auth_url')
  const password = value('password')
  if (authUrl === null || password === null) {
    throw new Refusal(`There is no clouds.yaml of a cloud in ${state.path}; koto up makes one.`)
  }
  return { authUrl, password, region: value('region_name') ?? 'RegionOne' }
}

/** An entry by name; `koto` when none is named. @throws Refusal naming the nearest. */
export function cloudEntry(name: string | undefined): CloudEntry {
  const wanted = name ?? 'koto'
  const found = CLOUD_ENTRIES.find(entry => entry.name === wanted)
  if (found !== undefined) return found
  const names = CLOUD_ENTRIES.map(entry => entry.name)
  throw new Refusal(
    `There is no cloud ${wanted}; the nearest is ${nearest(wanted, names)} (there are ${names.join(', ')}).`,
    2,
  )
}
