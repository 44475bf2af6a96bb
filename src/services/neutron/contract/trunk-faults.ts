// What can be wrong with trunks, in upstream's words.
import { faultTable } from '#kernel/contract/fault.ts'

export const trunkFaults = faultTable({
  TrunkNotFound: [404, 'Trunk {trunk_id} could not be found.'],
  TrunkPortInUse: [409, 'Port {port_id} is in use by another trunk.'],
  ParentPortInUse: [409, 'Port {port_id} is currently in use and is not eligible for use as a parent port.'],
  SubPortNotFound: [404, 'SubPort {port_id} on trunk {trunk_id} could not be found.'],
  DuplicateSubPort: [
    409,
    'segmentation_type {segmentation_type} and segmentation_id {segmentation_id} already in use on trunk {trunk_id}.',
  ],
  SubPortMtuGreaterThanTrunkPortMtu: [
    409,
    'MTU {port_mtu} of subport {port_id} cannot be greater than MTU {trunk_mtu} of trunk {trunk_id}.',
  ],
  PortInUseAsTrunkParent: [409, 'Port {port_id} is currently a parent port for trunk {trunk_id}.'],
  PortInUseAsSubPort: [409, 'Port {port_id} is currently a subport for trunk {trunk_id}.'],
  TrunkInUse: [409, 'Trunk {trunk_id} is currently in use.'],
  TrunkDisabled: [409, 'Trunk {trunk_id} is currently disabled.'],
  TrunkInErrorState: [
    409,
    'Trunk {trunk_id} is in error state. Attempt to resolve the error condition before proceeding.',
  ],
})
