// The parts of a server's page, as they stand in its address.

export const SERVER_TABS = ['overview', 'console', 'log', 'journey'] as const
export type ServerTab = (typeof SERVER_TABS)[number]

/** The tab an address names; undefined for none that we know. */
export function tabFrom(value: unknown): ServerTab | undefined {
  return SERVER_TABS.find(tab => tab === value)
}
