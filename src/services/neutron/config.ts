// Neutron's options.
import { defineConfig } from '#kernel/config/config.ts'
import type { Settings } from '#kernel/config/config.ts'

export const neutronConfig = defineConfig('neutron', {
  quotaNetwork: { type: 'int', default: 100, min: -1, sentence: 'Networks a project may have; -1 is no limit.' },
  quotaSubnet: { type: 'int', default: 100, min: -1, sentence: 'Subnets a project may have; -1 is no limit.' },
  quotaPort: { type: 'int', default: 500, min: -1, sentence: 'Ports a project may have; -1 is no limit.' },
  quotaRouter: { type: 'int', default: 10, min: -1, sentence: 'Routers a project may have; -1 is no limit.' },
  quotaFloatingip: { type: 'int', default: 50, min: -1, sentence: 'Floating IPs a project may have; -1 is no limit.' },
  quotaSecurityGroup: {
    type: 'int',
    default: 10,
    min: -1,
    sentence: 'Security groups a project may have; -1 is no limit.',
  },
  quotaSecurityGroupRule: {
    type: 'int',
    default: 100,
    min: -1,
    sentence: 'Security group rules a project may have; -1 is no limit.',
  },
  quotaSubnetpool: { type: 'int', default: -1, min: -1, sentence: 'Subnet pools a project may have; -1 is no limit.' },
  quotaRbacPolicy: { type: 'int', default: 10, min: -1, sentence: 'RBAC policies a project may have; -1 is no limit.' },
  maxDnsNameservers: { type: 'int', default: 5, min: 0, sentence: 'DNS servers a subnet may name.' },
  maxSubnetHostRoutes: { type: 'int', default: 20, min: 0, sentence: 'Host routes a subnet may have.' },
  maxFixedIpsPerPort: { type: 'int', default: 5, min: 1, sentence: 'Addresses a port may have.' },
  maxAllowedAddressPair: { type: 'int', default: 10, min: 0, sentence: 'Allowed address pairs a port may have.' },
  maxRoutes: { type: 'int', default: 30, min: 0, sentence: 'Extra routes a router may have.' },
  globalPhysnetMtu: {
    type: 'int',
    default: 1500,
    min: 1280,
    sentence: 'Bytes a frame may carry on the physical network.',
  },
  physicalNetworks: { type: 'list', default: ['public'], sentence: 'Names of physical networks for flat networks.' },
  tunnelIp: {
    type: 'text',
    default: '',
    sentence: 'This machine’s address by which other hosts reach it; with it networks span hosts by VXLAN. Needs root.',
  },
  vlanRanges: {
    type: 'list',
    default: [],
    sentence:
      'Physical networks of VLAN networks, each as network:first:last with the range that numbers are taken from; a name alone has none.',
  },
  agentDownTimeSeconds: {
    type: 'seconds',
    default: 75,
    min: 1,
    sentence: 'Seconds without a sign of life after which an agent counts as down.',
  },
  reportIntervalSeconds: {
    type: 'seconds',
    default: 30,
    min: 1,
    sentence: 'Seconds between an agent’s signs of life.',
  },
  metadataSecret: {
    type: 'text',
    default: '',
    secret: true,
    sentence: 'The secret that Nova and the metadata proxy share; made at first start when empty.',
  },
})
export type NeutronSettings = Settings<(typeof neutronConfig)['options']>
