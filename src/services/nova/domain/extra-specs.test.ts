import assert from 'node:assert/strict'
import { test } from 'node:test'

import { Fault } from '#kernel/contract/fault.ts'
import { checkExtraSpecs } from '#services/nova/domain/extra-specs.ts'

test('known specs take what they are for, and namespaces know their names', () => {
  const good: [string, string][] = [
    ['hw:cpu_policy', 'dedicated'],
    ['hw:boot_menu', 'True'],
    ['hw:numa_nodes', '2'],
    ['hw:numa_cpus.0', '0-3,^2'],
    ['hw:mem_page_size', '1GiB'],
    ['hw:mem_page_size', 'large'],
    ['hw:pmem', 'a,b,'],
    ['quota:vif_limit', '0'],
    ['resources:VCPU', '2'],
    ['resources1:CUSTOM_GPU', '1'],
    ['trait:HW_CPU_X86_AVX2', 'required'],
    ['trait_GROUP:CUSTOM_FAST', 'forbidden'],
    ['capabilities:cpu_info:topology:cores', '>= 2'],
    ['aggregate_instance_extra_specs:ssd', 'anything'],
    ['pci_passthrough:alias', 'gpu:1, nic:2'],
    ['my:own', 'thing'],
    ['plain', 'thing'],
  ]
  for (const [name, value] of good) assert.doesNotThrow(() => checkExtraSpecs({ [name]: value }), `${name}=${value}`)
  const bad: [string, string, RegExp][] = [
    ['hw:cpu_policy', 'mine', /is not one of: dedicated, shared, mixed/],
    ['hw:boot_menu', 'perhaps', /not a valid boolean-like value/],
    ['hw:numa_nodes', '0', /less than the min value of '1'/],
    ['hw:redirected_usb_ports', '16', /greater than the max value of '15'/],
    ['hw:numa_nodes', 'two', /not a valid integer value/],
    ['hw:cpu_dedicated_mask', '0-', /is not of the format/],
    ['hw:nonsense', 'x', /'hw:nonsense' does not appear to be a valid extra spec/],
    ['trait:HW_CPU_X86_AVX2', 'wanted', /is not one of: required, forbidden/],
    ['resources:VCPU', 'many', /not a valid integer/],
    ['quota:nothing', '1', /does not appear/],
  ]
  for (const [name, value, says] of bad) {
    assert.throws(
      () => checkExtraSpecs({ [name]: value }),
      (error: unknown) => error instanceof Fault && error.status === 400 && says.test(error.message),
      `${name}=${value}`,
    )
  }
})

test('the longest value takes no time', () => {
  const started = performance.now()
  for (const text of ['1-2'.repeat(85), ',1-2'.repeat(63), 'a'.repeat(254) + '!', ' ,'.repeat(127)]) {
    for (const name of ['hw:cpu_realtime_mask', 'hw:pmem', 'pci_passthrough:alias']) {
      try {
        checkExtraSpecs({ [name]: text })
      } catch (error) {
        assert.ok(error instanceof Fault)
      }
    }
  }
  assert.ok(performance.now() - started < 200)
})
