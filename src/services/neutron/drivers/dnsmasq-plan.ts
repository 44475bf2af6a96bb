// What a dnsmasq is started with and told, whichever of its trades it follows.

/** One server: what it is started with, and the two files it reads again on a signal. */
export interface DnsmasqPlan {
  /** `dhcp/<network id>` or `ra/<router id>`: also its folder below `/run/koto`, which its command line must name for the leases. */
  readonly key: string
  readonly namespace: string
  readonly argv: readonly string[]
  readonly hosts: string
  readonly options: string
  /** What may be leased, as `mac ip`: any other lease is stale. */
  readonly leasable: ReadonlySet<string>
}

/** A server's folder, inside the fabric. */
export const serverFolder = (key: string): string => `/run/koto/${key}`
