// A host whose network is real and whose guests are not: networks, routers and DHCP servers are made, guests' ports come up on paper.
import type { Mechanism } from '#services/neutron/drivers/mechanism.ts'

/**
 * `real` makes everything but guests' ports, which no device will ever be there for; `paper` answers for those. Without it they would
 * wait for ever, and servers with them.
 */
export function withSimulatedPorts(real: Mechanism, paper: Mechanism): Mechanism {
  return {
    ...real,
    get capabilities() {
      const { capabilities } = real
      return {
        ...capabilities,
        says: [...capabilities.says, 'Servers are simulated: their ports come up, but send nothing.'],
      }
    },
    async apply(desired, options) {
      const [made, written] = await Promise.all([
        real.apply({ ...desired, ports: [], securityGroups: [], addressSets: {} }, options),
        paper.apply(desired, options),
      ])
      return { ports: written.ports, networks: made.networks, routers: made.routers }
    },
    async inventory() {
      const [found, written] = await Promise.all([real.inventory(), paper.inventory()])
      const taps = written.links.filter(link => link.name.startsWith('tap'))
      return { ...found, filters: written.filters, links: [...found.links, ...taps] }
    },
    expectedFilters: desired => paper.expectedFilters(desired),
    async remove() {
      await real.remove()
      await paper.remove()
    },
    async close() {
      await real.close()
      await paper.close()
    },
  }
}
