// The port's promises with real processes: QEMU by emulation, a Debian kernel, busybox. Skipped where they are missing.
import { makeQemuBench } from '#services/nova/drivers/hypervisor-qemu/bench-for-tests.ts'
import { findTestKernel } from '#services/nova/drivers/hypervisor-qemu/guest-for-tests.ts'
import { hypervisorSuite } from '#services/nova/drivers/hypervisor.suite.ts'

const found = findTestKernel()
hypervisorSuite('QEMU', () => makeQemuBench(), 'missing' in found ? { skip: found.missing } : {})
