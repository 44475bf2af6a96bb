// Names made by us: random, or repeatable from a seed in tests.

/** Where new ids and random bytes come from. */
export interface Ids {
  /** A random UUID, version 4, with dashes. */
  uuid(): string
  /** The same without dashes: Keystone's form for users, projects and domains. */
  hex(): string
  bytes(length: number): Uint8Array
}

/** From the platform's secure source. */
export function randomIds(): Ids {
  return {
    uuid: () => crypto.randomUUID(),
    hex: () => crypto.randomUUID().replaceAll('-', ''),
    bytes: length => crypto.getRandomValues(new Uint8Array(length)),
  }
}
