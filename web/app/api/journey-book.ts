// The book's 28 steps as a drawing: who speaks to whom. The sentences are in i18n; what really happened is in the rows.

export const LANES = [
  'client',
  'keystone',
  'nova-api',
  'database',
  'scheduler',
  'placement',
  'conductor',
  'compute',
  'glance',
  'neutron',
  'cinder',
  'hypervisor',
] as const
export type Lane = (typeof LANES)[number]

export const BOOK = [
  { step: 1, from: 'client', to: 'keystone', kind: 'rest' },
  { step: 2, from: 'keystone', to: 'client', kind: 'rest' },
  { step: 3, from: 'client', to: 'nova-api', kind: 'rest' },
  { step: 4, from: 'nova-api', to: 'keystone', kind: 'rest' },
  { step: 5, from: 'keystone', to: 'nova-api', kind: 'rest' },
  { step: 6, from: 'nova-api', to: 'database', kind: 'db' },
  { step: 7, from: 'database', to: 'nova-api', kind: 'db' },
  { step: 8, from: 'nova-api', to: 'scheduler', kind: 'call' },
  { step: 9, from: 'nova-api', to: 'scheduler', kind: 'call' },
  { step: 10, from: 'scheduler', to: 'database', kind: 'db' },
  { step: 11, from: 'database', to: 'scheduler', kind: 'db' },
  { step: 12, from: 'scheduler', to: 'compute', kind: 'cast' },
  { step: 13, from: 'scheduler', to: 'compute', kind: 'cast' },
  { step: 14, from: 'compute', to: 'conductor', kind: 'call' },
  { step: 15, from: 'compute', to: 'conductor', kind: 'call' },
  { step: 16, from: 'conductor', to: 'database', kind: 'db' },
  { step: 17, from: 'database', to: 'conductor', kind: 'db' },
  { step: 18, from: 'conductor', to: 'compute', kind: 'call' },
  { step: 19, from: 'compute', to: 'glance', kind: 'rest' },
  { step: 20, from: 'glance', to: 'keystone', kind: 'rest' },
  { step: 21, from: 'glance', to: 'compute', kind: 'rest' },
  { step: 22, from: 'compute', to: 'neutron', kind: 'rest' },
  { step: 23, from: 'neutron', to: 'keystone', kind: 'rest' },
  { step: 24, from: 'neutron', to: 'compute', kind: 'rest' },
  { step: 25, from: 'compute', to: 'cinder', kind: 'rest' },
  { step: 26, from: 'cinder', to: 'keystone', kind: 'rest' },
  { step: 27, from: 'cinder', to: 'compute', kind: 'rest' },
  { step: 28, from: 'compute', to: 'hypervisor', kind: 'driver' },
] as const satisfies readonly { step: number; from: Lane; to: Lane; kind: string }[]

export type Step = (typeof BOOK)[number]['step']

const WAYS: readonly (readonly [RegExp, Lane])[] = [
  [/^(client|horizon|cli|user|openstack)\b/, 'client'],
  [/database|[-_.:]db$|^db\b|sqlite|postgres|mysql/, 'database'],
  [/^keystone/, 'keystone'],
  [/^nova-(api|metadata)/, 'nova-api'],
  [/^nova-scheduler/, 'scheduler'],
  [/^placement/, 'placement'],
  [/^nova-conductor/, 'conductor'],
  [/^nova-compute/, 'compute'],
  [/^glance/, 'glance'],
  [/^neutron/, 'neutron'],
  [/^cinder/, 'cinder'],
  [/hypervisor|qemu|libvirt|kvm/, 'hypervisor'],
]

/** The lane a component's line is drawn in: one of the book's, else the component's own name without its host. */
export function laneOf(actor: string): string {
  const name = actor.toLowerCase()
  return WAYS.find(([pattern]) => pattern.test(name))?.[1] ?? name.replace(/@.*$/, '')
}

/** The book's lanes; Placement, which the book does not have, where it occurs; then any others, as they appear. */
export function lanesFor(actors: readonly string[]): readonly string[] {
  const seen = new Set(actors.map(laneOf))
  const known: readonly string[] = LANES.filter(lane => lane !== 'placement' || seen.has(lane))
  return [...known, ...[...seen].filter(lane => !known.includes(lane))]
}
