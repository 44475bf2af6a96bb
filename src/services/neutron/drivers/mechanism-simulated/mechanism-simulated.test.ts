import { createSimulatedMechanism } from '#services/neutron/drivers/mechanism-simulated/mechanism-simulated.ts'
import { mechanismSuite } from '#services/neutron/drivers/mechanism.suite.ts'

mechanismSuite('simulated', () =>
  Promise.resolve({
    mechanism: createSimulatedMechanism(),
    plug: () => Promise.resolve(),
    unplug: () => Promise.resolve(),
    end: () => Promise.resolve(),
  }),
)
