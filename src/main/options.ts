// The options of the whole program, and the list of everybody's: what `koto config` prints and `--set` accepts.
import { defineConfig, type Declaration } from '#kernel/config/config.ts'
import { cinderConfig } from '#services/cinder/config.ts'
import { glanceConfig } from '#services/glance/config.ts'
import { keystoneConfig } from '#services/keystone/config.ts'
import { neutronConfig } from '#services/neutron/config.ts'
import { placementConfig } from '#services/placement/config.ts'
import { novaConfig } from '#services/nova/config.ts'

export const kotoConfig = defineConfig('koto', {
  bind: {
    type: 'text',
    default: '127.0.0.1',
    sentence: 'Address that the one front door listens on.',
    devstack: 'SERVICE_LISTEN_ADDRESS',
  },
  port: { type: 'int', default: 8080, min: 0, max: 65_535, sentence: 'Port of the front door; 0 takes a free one.' },
  classicPorts: {
    type: 'bool',
    default: false,
    sentence: 'Listen also on 5000, 8774, 8776, 8778, 9292 and 9696, one service each.',
  },
  hypervisor: {
    type: ['auto', 'qemu', 'simulated'],
    default: 'auto',
    sentence: 'What runs guests: auto takes QEMU where it is installed, simulated runs none at all.',
  },
  network: {
    type: ['auto', 'linux', 'simulated'],
    default: 'auto',
    sentence:
      "What carries packets: linux uses the kernel's bridges inside namespaces of our own, simulated carries none.",
  },
  egress: {
    type: 'bool',
    default: true,
    sentence:
      "Lets guests reach the world through this machine's own connections, where pasta is installed; never its loopback.",
  },
  hosts: { type: 'int', default: 0, min: 0, max: 10_000, sentence: 'Simulated compute hosts beside the real one.' },
  simulatedMigrationMs: {
    type: 'int',
    default: 0,
    min: 0,
    sentence: 'Milliseconds that a running server is on its way from one simulated host to another.',
  },
  region: {
    type: 'text',
    default: 'RegionOne',
    sentence: "The region's name in the catalog.",
    devstack: 'REGION_NAME',
  },
  hostIp: {
    type: 'text',
    default: '',
    sentence: "This host's address as shown to people and in endpoints; empty takes the address listened on.",
    devstack: 'HOST_IP',
  },
  floatingRange: {
    type: 'text',
    default: '172.24.4.0/24',
    sentence: 'Addresses of the network public.',
    devstack: 'FLOATING_RANGE',
  },
  publicGateway: {
    type: 'text',
    default: '172.24.4.1',
    sentence: 'Gateway of the network public.',
    devstack: 'PUBLIC_NETWORK_GATEWAY',
  },
  publicNetwork: {
    type: 'text',
    default: 'public',
    sentence: 'Name of the external network.',
    devstack: 'PUBLIC_NETWORK_NAME',
  },
  fixedRange: {
    type: 'text',
    default: '10.0.0.0/26',
    sentence: 'Addresses of the network private.',
    devstack: 'FIXED_RANGE',
  },
  privateNetwork: {
    type: 'text',
    default: 'private',
    sentence: "Name of demo's own network.",
    devstack: 'PRIVATE_NETWORK_NAME',
  },
  imageUrls: {
    type: 'list',
    default: [],
    sentence: 'Images to fetch at first start beside koto-tiny; nothing is fetched unless named here.',
    devstack: 'IMAGE_URLS',
  },
})

/** Every declaration, in the order `koto config` prints them. */
export const declarations: readonly Declaration[] = [
  kotoConfig,
  keystoneConfig,
  glanceConfig,
  placementConfig,
  novaConfig,
  neutronConfig,
  cinderConfig,
]
