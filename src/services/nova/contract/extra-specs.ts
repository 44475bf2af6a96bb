// Upstream's registry of flavor extra specs, as far as values are concerned: which names a namespace has and what they take.

/** `int` may have bounds; `text` a pattern (anchored, of ours, linear) or a list of words. */
export type SpecValue =
  | { readonly is: 'int'; readonly min?: number; readonly max?: number }
  | { readonly is: 'bool' }
  | { readonly is: 'text'; readonly pattern?: string; readonly words?: readonly string[] }

const int: SpecValue = { is: 'int' }
const count: SpecValue = { is: 'int', min: 0 }
const some: SpecValue = { is: 'int', min: 1 }
const bool: SpecValue = { is: 'bool' }
const text: SpecValue = { is: 'text' }
const oneOf = (...words: string[]): SpecValue => ({ is: 'text', words })
const like = (pattern: string): SpecValue => ({ is: 'text', pattern })
const cpus = like('\\^?\\d+(-\\d+|,\\^?\\d+)*')
const level = oneOf('custom', 'high', 'normal', 'low')

/** Whole names. */
export const SPECS: Readonly<Record<string, SpecValue>> = {
  'accel:device_profile': text,
  'hw:cpu_realtime': bool,
  'hw:cpu_realtime_mask': cpus,
  'hw:hide_hypervisor_id': bool,
  'hw:cpu_policy': oneOf('dedicated', 'shared', 'mixed'),
  'hw:cpu_thread_policy': oneOf('prefer', 'isolate', 'require'),
  'hw:emulator_threads_policy': oneOf('isolate', 'share'),
  'hw:cpu_dedicated_mask': cpus,
  'hw:mem_page_size': like('(large|small|any|\\d+([kKMGT]i?)?(b|bit|B)?)'),
  'hw:locked_memory': bool,
  'hw:numa_nodes': some,
  'hw:pci_numa_affinity_policy': oneOf('required', 'preferred', 'legacy', 'socket'),
  'hw:cpu_sockets': some,
  'hw:cpu_cores': some,
  'hw:cpu_threads': some,
  'hw:cpu_max_sockets': some,
  'hw:cpu_max_cores': some,
  'hw:cpu_max_threads': some,
  'hw:boot_menu': bool,
  'hw:vif_multiqueue_enabled': bool,
  'hw:mem_encryption': bool,
  'hw:mem_encryption_model': oneOf('amd-sev', 'amd-sev-es', 'amd-sev-snp'),
  'hw:pmem': like('[a-zA-Z0-9_]+(,[a-zA-Z0-9_]+)*,?'),
  'hw:pmu': bool,
  'hw:serial_port_count': count,
  'hw:tpm_model': oneOf('tpm-tis', 'tpm-crb'),
  'hw:tpm_version': oneOf('1.2', '2.0'),
  'hw:tpm_secret_security': oneOf('user', 'host', 'deployment'),
  'hw:watchdog_action': oneOf('none', 'pause', 'poweroff', 'reset', 'disabled'),
  'hw:viommu_model': oneOf('intel', 'smmuv3', 'virtio', 'auto'),
  'hw:virtio_packed_ring': bool,
  'hw:sound_model': oneOf('sb16', 'es1370', 'pcspk', 'ac97', 'ich6', 'ich9', 'usb', 'virtio'),
  'hw:usb_model': oneOf('none', 'nec-xhci', 'qemu-xhci'),
  'hw:redirected_usb_ports': { is: 'int', min: 0, max: 15 },
  'hw:ephemeral_encryption': bool,
  'hw:ephemeral_encryption_format': oneOf('plain', 'luks', 'luksv2'),
  'hw_rng:allowed': bool,
  'hw_rng:rate_bytes': count,
  'hw_rng:rate_period': count,
  'hw_video:ram_max_mb': count,
  hide_hypervisor_id: bool,
  group_policy: oneOf('isolate', 'none'),
  'os:secure_boot': oneOf('disabled', 'required'),
  'pci_passthrough:alias': like('[^:]+:\\d+(?:\\s*,\\s*[^:]+:\\d+)*'),
  'quota:cpu_limit': count,
  'quota:cpu_reservation': int,
  'quota:cpu_shares_level': level,
  'quota:cpu_shares_share': count,
  'quota:memory_limit': count,
  'quota:memory_reservation': int,
  'quota:memory_shares_level': level,
  'quota:memory_shares_share': count,
  'quota:disk_io_limit': count,
  'quota:disk_io_reservation': int,
  'quota:disk_io_shares_level': level,
  'quota:disk_io_shares_share': count,
  'quota:vif_limit': count,
  'quota:vif_reservation': int,
  'quota:vif_shares_level': level,
  'quota:vif_shares_share': count,
  'quota:cpu_shares': count,
  'quota:cpu_period': count,
  'quota:cpu_quota': int,
  'quota:disk_read_bytes_sec': count,
  'quota:disk_read_iops_sec': count,
  'quota:disk_write_bytes_sec': count,
  'quota:disk_write_iops_sec': count,
  'quota:disk_total_bytes_sec': count,
  'quota:disk_total_iops_sec': count,
  'quota:vif_inbound_average': count,
  'quota:vif_inbound_peak': count,
  'quota:vif_inbound_burst': count,
  'quota:vif_outbound_average': count,
  'quota:vif_outbound_peak': count,
  'quota:vif_outbound_burst': count,
  'vmware:hw_version': text,
  'vmware:storage_policy': text,
  ...Object.fromEntries(
    [
      'id',
      'uuid',
      'service_id',
      'host',
      'vcpus',
      'memory_mb',
      'local_gb',
      'vcpus_used',
      'memory_mb_used',
      'local_gb_used',
      'hypervisor_type',
      'hypervisor_version',
      'hypervisor_hostname',
      'free_ram_mb',
      'free_disk_gb',
      'current_workload',
      'running_vms',
      'disk_available_least',
      'host_ip',
      'mapped',
      'cpu_allocation_ratio',
      'ram_allocation_ratio',
      'disk_allocation_ratio',
      'total_usable_ram_mb',
      'total_usable_disk_gb',
      'disk_mb_used',
      'free_disk_mb',
      'vcpus_total',
      'num_instances',
      'num_io_ops',
      'failed_builds',
      'aggregates',
      'cell_uuid',
      'updated',
    ].map(key => [`capabilities:${key}`, text]),
  ),
}

/** Names with something free in them. */
export const SPEC_PATTERNS: readonly (readonly [name: string, SpecValue])[] = [
  ['aggregate_instance_extra_specs:.+', text],
  [
    'capabilities:(cpu_info|metrics|stats|numa_topology|supported_hv_specs|pci_device_pools|nodename|pci_stats|supported_instances|limits|instances)(:\\w+)*',
    text,
  ],
  ['hw:numa_cpus\\.\\d+', cpus],
  ['hw:numa_mem\\.\\d+', some],
  ['resources([a-zA-Z0-9_-]{1,64})?:[A-Z][A-Z0-9_]*', int],
  ['trait([a-zA-Z0-9_-]{1,64})?:[A-Z][A-Z0-9_]*', oneOf('required', 'forbidden')],
]

/** Namespaces whose other names are refused. */
export const SPEC_NAMESPACES =
  'accel|aggregate_instance_extra_specs|capabilities|hw|hw_rng|hw_video|os|pci_passthrough|quota|resources([a-zA-Z0-9_-]{1,64})?|trait([a-zA-Z0-9_-]{1,64})?|vmware'
