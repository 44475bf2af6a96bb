// Nouns that are written down: metering, service flavors, what new security groups begin with, segments and their ranges, topologies made
// for those who ask for some network.
import type { Migration } from '#kernel/db/migrations.ts'
import { makeTables, STANDARD } from '#services/neutron/db/migration-columns.ts'

/** The rules new groups began with before they could be changed. */
const FIRST_RULES = (['IPv4', 'IPv6'] as const).flatMap((ethertype, index) => [
  { id: `00000000-0000-4000-8000-00000000000${index + 1}`, direction: 'egress', ethertype, remote: null, others: 1 },
  {
    id: `00000000-0000-4000-8000-00000000000${index + 3}`,
    direction: 'ingress',
    ethertype,
    remote: 'PARENT',
    others: 0,
  },
])
const LONG_AGO = '2026-01-01T00:00:00.000Z'
const standard = { project_id: '', name: '', created_at: LONG_AGO, updated_at: LONG_AGO, revision_number: 0 }

export const moreNouns: Migration = {
  id: '0013-more-nouns',
  async up(q) {
    await makeTables(q, {
      metering_labels: {
        columns: `${STANDARD}
          shared int !`,
        key: ['id'],
        indexes: [['project_id', 'id']],
      },
      metering_label_rules: {
        columns: `${STANDARD}
          metering_label_id id !
          direction str !
          excluded int !
          remote_ip_prefix str !`,
        key: ['id'],
        indexes: [['project_id', 'id'], ['metering_label_id']],
      },
      service_flavors: {
        columns: `${STANDARD}
          service_type str !
          service_profiles text !
          enabled int !`,
        key: ['id'],
      },
      service_profiles: {
        columns: `${STANDARD}
          driver text !
          metainfo text !
          enabled int !`,
        key: ['id'],
      },
      default_security_group_rules: {
        columns: `${STANDARD}
          direction str !
          ethertype str !
          protocol str
          port_range_min int
          port_range_max int
          remote_ip_prefix str
          remote_group_id id
          remote_address_group_id id
          fingerprint str !
          used_in_default_sg int !
          used_in_non_default_sg int !`,
        key: ['id'],
        unique: [['fingerprint']],
      },
      default_statefulness: {
        columns: `${STANDARD}
          stateful int !`,
        key: ['id'],
        unique: [['project_id']],
      },
      segments: {
        columns: `${STANDARD}
          network_id id !
          network_type str !
          physical_network str
          segmentation_id int`,
        key: ['id'],
        indexes: [['network_id']],
      },
      segment_ranges: {
        columns: `${STANDARD}
          is_default int !
          shared int !
          network_type str !
          physical_network str !
          minimum int !
          maximum int !`,
        key: ['id'],
        indexes: [['network_type', 'physical_network', 'minimum']],
      },
      auto_topologies: {
        columns: `
          project_id str !
          network_id id !
          router_id id !`,
        key: ['project_id'],
      },
    })
    await q.schema
      .alterTable('networks')
      .addColumn('is_default', 'integer', c => c.notNull().defaultTo(0))
      .execute()
    await q.schema.alterTable('subnets').addColumn('segment_id', 'varchar(36)').execute()
    for (const rule of FIRST_RULES)
      await q
        .insertInto('default_security_group_rules')
        .values({
          ...standard,
          id: rule.id,
          description: rule.remote === null ? 'Everything may leave' : 'Members may reach each other',
          direction: rule.direction,
          ethertype: rule.ethertype,
          remote_group_id: rule.remote,
          fingerprint: `${rule.direction} ${rule.ethertype} ${rule.remote ?? ''}`,
          used_in_default_sg: 1,
          used_in_non_default_sg: rule.others,
        })
        .execute()
    await q
      .insertInto('segment_ranges')
      .values({
        ...standard,
        id: '00000000-0000-4000-8000-000000000010',
        description: '',
        is_default: 1,
        shared: 1,
        network_type: 'vxlan',
        physical_network: '',
        minimum: 1,
        maximum: 16_777_215,
      })
      .execute()
    // Networks of before have a segment now, with an id made of their own.
    const networks = (await q.selectFrom('networks').selectAll().execute()) as {
      id: string
      network_type: string
      physical_network: string
      segmentation_id: number | null
    }[]
    for (const network of networks)
      await q
        .insertInto('segments')
        .values({
          ...standard,
          id: `d${network.id.slice(1)}`,
          description: '',
          network_id: network.id,
          network_type: network.network_type,
          physical_network: network.physical_network === '' ? null : network.physical_network,
          segmentation_id: network.segmentation_id,
        })
        .execute()
  },
}
