// Nouns that are written down: metering, service flavors, what new security groups begin with, segments and ranges. Handlers and presenters.
import { handlers, type HandlerTable } from '#kernel/http/handlers.ts'
import { needs, presenter } from '#kernel/http/presenter.ts'
import { autoTopologies } from '#services/neutron/contract/auto-topology.ts'
import { defaultRule, defaultRules, statefulness, statefulnesses } from '#services/neutron/contract/default-groups.ts'
import {
  meteringLabel,
  meteringLabelRule,
  meteringLabelRules,
  meteringLabels,
} from '#services/neutron/contract/metering.ts'
import { segment, segmentRange, segmentRanges, segments } from '#services/neutron/contract/segments.ts'
import {
  flavor,
  flavors,
  serviceProfile,
  serviceProfiles,
  serviceTypes,
} from '#services/neutron/contract/service-flavors.ts'
import { fieldsOf } from '#services/neutron/api/listing.ts'
import { noun, ownerView, storyView } from '#services/neutron/api/noun.ts'
import type { AutoTopologies } from '#services/neutron/domain/auto-topology.ts'
import type { DefaultRule, DefaultRules, Statefulness, Statefulnesses } from '#services/neutron/domain/default-rules.ts'
import type { Looks } from '#services/neutron/domain/looks.ts'
import type { Metering, MeteringLabel, MeteringLabelRule } from '#services/neutron/domain/metering.ts'
import type {
  NetworkSegment,
  RangeUse,
  SegmentRange,
  SegmentRanges,
  Segments,
} from '#services/neutron/domain/segments.ts'
import type { ServiceFlavor, ServiceFlavors, ServiceProfile } from '#services/neutron/domain/service-flavors.ts'

export function meteringHandlers(domain: Metering): HandlerTable[] {
  const labels = noun<MeteringLabel>({
    of: meteringLabel,
    present: presenter<MeteringLabel>()(meteringLabel.view, {
      ...ownerView,
      name: l => l.name,
      description: l => l.description,
      shared: l => l.shared,
    }),
  })
  const rules = noun<MeteringLabelRule>({
    of: meteringLabelRule,
    present: presenter<MeteringLabelRule>()(meteringLabelRule.view, {
      ...ownerView,
      metering_label_id: r => r.labelId,
      direction: r => r.direction,
      excluded: r => r.excluded,
      remote_ip_prefix: r => r.remoteIpPrefix,
    }),
  })
  return [
    handlers(meteringLabels, {
      list: call => labels.list(call, domain.labels.list),
      show: call => labels.show(call, domain.labels.show),
      create: call => labels.create(call, domain.labels.create),
      remove: call => labels.remove(call, domain.labels.remove),
    }),
    handlers(meteringLabelRules, {
      list: call => rules.list(call, domain.rules.list),
      show: call => rules.show(call, domain.rules.show),
      create: call => rules.create(call, domain.rules.create),
      remove: call => rules.remove(call, domain.rules.remove),
    }),
  ]
}

export function serviceFlavorHandlers({ flavors: domain, profiles }: ServiceFlavors): HandlerTable[] {
  const it = noun<ServiceFlavor>({
    of: flavor,
    present: presenter<ServiceFlavor>()(flavor.view, {
      id: f => f.id,
      name: f => f.name,
      description: f => f.description,
      service_type: f => serviceTypes.find(type => type === f.serviceType) ?? 'L3_ROUTER_NAT',
      service_profiles: f => [...f.profiles],
      enabled: f => f.enabled,
    }),
  })
  const profile = noun<ServiceProfile>({
    of: serviceProfile,
    present: presenter<ServiceProfile>()(serviceProfile.view, {
      id: p => p.id,
      description: p => p.description,
      driver: p => p.driver,
      metainfo: p => p.metainfo,
      enabled: p => p.enabled,
    }),
  })
  return [
    handlers(flavors, {
      list: call => it.list(call, domain.list),
      show: call => it.show(call, domain.show),
      create: call => it.create(call, domain.create),
      update: call => it.update(call, domain.update),
      remove: call => it.remove(call, domain.remove),
      join: async call => {
        await domain.join(call.ctx, call.params.id, call.body.service_profile.id)
        return { service_profile: { id: call.body.service_profile.id } }
      },
      part: call => domain.part(call.ctx, call.params.id, call.params.profile),
    }),
    handlers(serviceProfiles, {
      list: call => profile.list(call, profiles.list),
      show: call => profile.show(call, profiles.show),
      create: call => profile.create(call, profiles.create),
      update: call => profile.update(call, profiles.update),
      remove: call => profile.remove(call, profiles.remove),
    }),
  ]
}

export function defaultGroupHandlers(domain: DefaultRules, states: Statefulnesses): HandlerTable[] {
  const it = noun<DefaultRule>({
    of: defaultRule,
    present: presenter<DefaultRule>()(defaultRule.view, {
      id: r => r.id,
      tenant_id: () => undefined,
      description: r => r.description,
      remote_group_id: r => r.remoteGroupId,
      remote_address_group_id: r => r.remoteAddressGroupId,
      direction: r => r.direction,
      protocol: r => r.protocol,
      port_range_min: r => r.portMin,
      port_range_max: r => r.portMax,
      ethertype: r => r.ethertype,
      remote_ip_prefix: r => r.remoteIpPrefix,
      used_in_default_sg: r => r.forDefault,
      used_in_non_default_sg: r => r.forOthers,
    }),
  })
  const state = noun<Statefulness>({
    of: statefulness,
    present: presenter<Statefulness>()(statefulness.view, {
      id: s => s.id,
      project_id: s => (s.projectId === '' ? null : s.projectId),
      stateful: s => s.stateful,
    }),
  })
  return [
    handlers(defaultRules, {
      list: call => it.list(call, domain.list),
      show: call => it.show(call, domain.show),
      create: call => it.create(call, domain.create),
      remove: call => it.remove(call, domain.remove),
    }),
    handlers(statefulnesses, {
      list: call => state.list(call, states.list),
      show: call => state.show(call, states.show),
      create: call => state.create(call, states.create),
      update: call => state.update(call, states.update),
      remove: call => state.remove(call, states.remove),
    }),
  ]
}

export function segmentHandlers(domain: Segments, ranges: SegmentRanges, looks: Looks): HandlerTable[] {
  const it = noun<NetworkSegment>({
    of: segment,
    present: presenter<NetworkSegment>()(segment.view, {
      ...storyView,
      id: s => s.id,
      tenant_id: () => undefined,
      network_id: s => s.networkId,
      physical_network: s => s.physicalNetwork,
      network_type: s => s.networkType,
      segmentation_id: s => s.segmentationId,
      name: s => (s.name === '' ? null : s.name),
    }),
  })
  interface Loaded {
    readonly uses: ReadonlyMap<string, RangeUse>
    readonly tags: ReadonlyMap<string, readonly string[]>
  }
  const range = noun<SegmentRange>({
    of: segmentRange,
    present: presenter<SegmentRange, Loaded>()(
      segmentRange.view,
      {
        ...ownerView,
        ...storyView,
        name: r => r.name,
        default: r => r.isDefault,
        shared: r => r.shared,
        network_type: r => r.networkType as 'vxlan',
        physical_network: r => r.physicalNetwork,
        minimum: r => r.minimum,
        maximum: r => r.maximum,
        used: needs(['uses'], (r, { uses }) => ({ ...uses.get(r.id)?.used })),
        available: needs(['uses'], (r, { uses }) => [...(uses.get(r.id)?.available ?? [])]),
        tags: needs(['tags'], (r, { tags }) => [...(tags.get(r.id) ?? [])]),
      },
      {
        loaders: {
          uses: (ctx, all) => ranges.usesOf(ctx, all),
          tags: (ctx, all) =>
            looks.tags(
              ctx,
              all.map(one => one.id),
            ),
        },
      },
    ),
  })
  return [
    handlers(segments, {
      list: call => it.list(call, domain.list),
      show: call => it.show(call, domain.show),
      create: call => it.create(call, domain.create),
      update: call => it.update(call, domain.update),
      remove: call => it.remove(call, domain.remove),
    }),
    handlers(segmentRanges, {
      list: call => range.list(call, ranges.list),
      show: call => range.show(call, ranges.show),
      create: call => range.create(call, ranges.create),
      update: call => range.update(call, ranges.update),
      remove: call => range.remove(call, ranges.remove),
    }),
  ]
}

export const autoTopologyHandlers = (domain: AutoTopologies): HandlerTable =>
  handlers(autoTopologies, {
    show: async call => {
      const isDryRun = fieldsOf(call.query)?.has('dry-run') === true
      const found = await domain.show(call.ctx, call.params.project, isDryRun)
      return { auto_allocated_topology: { id: found.id, project_id: found.projectId, tenant_id: found.projectId } }
    },
    remove: call => domain.remove(call.ctx, call.params.project),
  })
