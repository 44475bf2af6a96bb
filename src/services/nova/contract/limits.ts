// What a project may have at most, and has.
import { get } from '#kernel/contract/route.ts'
import { may, must, object } from '#kernel/contract/shape.ts'
import { int, repeated, text } from '#kernel/contract/shapes.ts'
import { rules } from '#services/nova/contract/rules.ts'

/** Rows of networks are shown before 2.36 only, of images before 2.39, of injected files before 2.57. */
export const AbsoluteLimits = object({
  maxTotalRAMSize: must(int()),
  maxTotalInstances: must(int()),
  maxTotalCores: must(int()),
  maxTotalKeypairs: must(int()),
  maxTotalFloatingIps: must(int()).until('2.35'),
  maxServerMeta: must(int()),
  maxImageMeta: must(int()).until('2.38'),
  maxPersonality: must(int()).until('2.56'),
  maxPersonalitySize: must(int()).until('2.56'),
  maxSecurityGroups: must(int()).until('2.35'),
  maxSecurityGroupRules: must(int()).until('2.35'),
  maxServerGroups: must(int()),
  maxServerGroupMembers: must(int()),
  totalRAMUsed: must(int()),
  totalCoresUsed: must(int()),
  totalInstancesUsed: must(int()),
  totalFloatingIpsUsed: must(int()).until('2.35'),
  totalSecurityGroupsUsed: must(int()).until('2.35'),
  totalServerGroupsUsed: must(int()),
})

export const limits = {
  show: get('/v2.1/limits', {
    policy: rules.limits,
    query: object({ tenant_id: may(repeated(text())) }, { extra: { refusedFrom: '2.75' } }),
  }),
}
