// Microversions as data: one line per version in each service's versions.ts.

/** A microversion as one comparable number: 2.37 → 2037. */
export type VersionNumber = number

/** `'2.37'` → 2037. Throws a plain Error on anything else: versions in contracts are written by us. */
export function versionNumber(text: string): VersionNumber {
  const match = /^(\d+)\.(\d+)$/.exec(text)
  if (match === null) throw new Error(`not a version: ${text}`)
  return Number(match[1]) * 1000 + Number(match[2])
}

/** 2037 → `'2.37'`. */
export const versionText = (version: VersionNumber): string => `${Math.floor(version / 1000)}.${version % 1000}`

/** The newest meaning: what code below `api/` knows. */
export const NEWEST: VersionNumber = Number.MAX_SAFE_INTEGER

/** One version that changed how something behaves and no shape or route. */
export interface Behaviour {
  readonly behaviour: string
}
export const behaviour = (sentence: string): Behaviour => ({ behaviour: sentence })

export interface VersionList {
  /** The word of the `OpenStack-API-Version` header, e.g. `compute`. */
  readonly type: string
  readonly min: VersionNumber
  readonly max: VersionNumber
  readonly lines: Readonly<Record<string, string | Behaviour>>
}

/** Declares a service's versions: the first, and a line for each later one up to `max`. Throws when a line is missing. */
export function versionList(
  type: string,
  min: string,
  max: string,
  lines: Readonly<Record<string, string | Behaviour>>,
): VersionList {
  const low = versionNumber(min)
  const high = versionNumber(max)
  for (let version = low + 1; version <= high; version++) {
    if (lines[versionText(version)] === undefined)
      throw new Error(`${type} ${versionText(version)} has no line in versions.ts`)
  }
  return { type, min: low, max: high, lines }
}

/** From `since` to `until`, both included. */
export interface Range {
  readonly since: VersionNumber
  readonly until: VersionNumber
}
export const within = (version: VersionNumber, ranges: readonly Range[]): boolean =>
  ranges.length === 0 || ranges.some(range => version >= range.since && version <= range.until)
