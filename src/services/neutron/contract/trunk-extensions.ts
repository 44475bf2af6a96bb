// The extensions of trunks that are built.
import type { Extension } from '#services/neutron/contract/extensions.ts'

export const trunkExtensions: readonly Extension[] = [
  {
    alias: 'trunk',
    name: 'Trunk Extension',
    description: 'Provides support for trunk ports',
    updated: '2016-01-01T10:00:00-00:00',
  },
  {
    alias: 'trunk-details',
    name: 'Trunk port details',
    description: 'Expose trunk port details',
    updated: '2016-01-01T10:00:00-00:00',
  },
]
