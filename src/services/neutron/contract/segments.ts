// Segments of networks, and the ranges of numbers they are taken from.
import { inOut, once, out, resource } from '#kernel/contract/resource.ts'
import { any, dict, int, intLike, list, nullable, text, uuid, words } from '#kernel/contract/shapes.ts'
import { faults } from '#services/neutron/contract/faults.ts'
import { createRoute, listRoute, removeRoute, showRoute, updateRoute } from '#services/neutron/contract/plain.ts'
import { moreRules as rules } from '#services/neutron/contract/rules-more.ts'
import { owner, story, tagged } from '#services/neutron/contract/standard.ts'
import { bool, name, projectId } from '#services/neutron/contract/words.ts'

const segmentNumber = intLike({ min: 1, max: 2_147_483_647 })
export const segment = resource('segment', 'segments', {
  id: out(uuid).filters().sorts(),
  tenant_id: once(projectId).optional(),
  network_id: once(uuid).filters().sorts(),
  physical_network: once(nullable(text({ max: 64 })))
    .optional()
    .filters()
    .sorts(),
  network_type: once(text({ max: 32 }))
    .filters()
    .sorts(),
  segmentation_id: once(nullable(segmentNumber)).optional().filters().sorts(),
  name: inOut(nullable(name)).optional().filters().sorts(),
  ...story,
})
export const segmentRange = resource('network_segment_range', 'network_segment_ranges', {
  id: out(uuid).filters().sorts(),
  name: inOut(name).otherwise('').filters().sorts(),
  default: out(bool).filters(),
  shared: once(bool).otherwise(true).filters(),
  ...owner,
  network_type: once(words('vlan', 'vxlan', 'gre', 'geneve')).filters(),
  physical_network: once(nullable(text({ max: 64 })))
    .optional()
    .filters(),
  minimum: inOut(segmentNumber).filters(),
  maximum: inOut(segmentNumber).filters(),
  used: out(dict(any)),
  available: out(list(int())),
  ...story,
  ...tagged,
})

const SEGMENTS = '/v2.0/segments'
const RANGES = '/v2.0/network_segment_ranges'
const gone = [faults.SegmentNotFound]
export const segments = {
  list: listRoute(SEGMENTS, segment, rules.getSegment),
  show: showRoute(`${SEGMENTS}/{id}`, segment, rules.getSegment, gone),
  create: createRoute(SEGMENTS, segment, rules.createSegment, [faults.NetworkNotFound]),
  update: updateRoute(`${SEGMENTS}/{id}`, segment, rules.updateSegment, gone),
  remove: removeRoute(`${SEGMENTS}/{id}`, rules.deleteSegment, [...gone, faults.SegmentInUse]),
}
const lost = [faults.NetworkSegmentRangeNotFound]
const refused = [faults.NetworkSegmentRangeOverlaps, faults.NetworkSegmentRangeReferencedByProject]
export const segmentRanges = {
  list: listRoute(RANGES, segmentRange, rules.getNetworkSegmentRange),
  show: showRoute(`${RANGES}/{id}`, segmentRange, rules.getNetworkSegmentRange, lost),
  create: createRoute(RANGES, segmentRange, rules.createNetworkSegmentRange, refused),
  update: updateRoute(`${RANGES}/{id}`, segmentRange, rules.updateNetworkSegmentRange, [...lost, ...refused]),
  remove: removeRoute(`${RANGES}/{id}`, rules.deleteNetworkSegmentRange, [...lost, ...refused]),
}
