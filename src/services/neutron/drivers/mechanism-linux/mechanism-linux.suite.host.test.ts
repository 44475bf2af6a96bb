// The promises of every mechanism, kept by the kernel: as root, or as an ordinary user where user namespaces are allowed.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '#kernel/lib/clock.ts'
import { createExec } from '#host/node/exec.ts'
import { createFabric } from '#host/linux/fabric.ts'
import { createLinuxMechanism } from '#services/neutron/drivers/mechanism-linux/mechanism-linux.ts'
import { tapName } from '#services/neutron/drivers/names.ts'
import { mechanismSuite } from '#services/neutron/drivers/mechanism.suite.ts'

for (const replies of ['netfilter', 'reflexive'] as const) {
  mechanismSuite(`linux, replies by ${replies}`, async () => {
    const root = process.getuid?.() === 0
    const stateDir = await mkdtemp(join(tmpdir(), 'koto-net-'))
    const fabric = createFabric({ stateDir, exec: createExec(), clock: systemClock(), root })
    await fabric.start()
    const mechanism = await createLinuxMechanism({
      fabric,
      stateDir,
      clock: systemClock(),
      root,
      replies,
      onMetadata: () => Promise.resolve({ status: 404, body: '' }),
    })
    return {
      mechanism,
      plug: port => fabric.link.createTap(tapName(port.id)),
      unplug: port => fabric.link.removeTap(tapName(port.id)),
      async end() {
        await mechanism.close()
        await fabric.stop()
        await rm(stateDir, { recursive: true, force: true })
      },
    }
  })
}
