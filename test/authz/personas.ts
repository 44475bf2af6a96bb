// The thirteen who knock at every door, and what upstream's default policies say to each of them.
import { readFileSync } from 'node:fs'
import type { Who } from '#kernel/lib/context.ts'

export interface Expected {
  readonly own: ReadonlySet<string>
  readonly foreign: ReadonlySet<string>
}
/** By `service rule`. */
export function expectedVerdicts(): ReadonlyMap<string, Expected> {
  const text = readFileSync(new URL('expected.tsv', import.meta.url), 'utf8')
  const table = new Map<string, Expected>()
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue
    const [service = '', rule = '', , own = '', foreign = ''] = line.split('\t')
    table.set(`${service} ${rule}`, { own: words(own), foreign: words(foreign) })
  }
  return table
}
const words = (text: string): ReadonlySet<string> => new Set(text.split(' ').filter(word => word !== ''))

/** Roles with what they imply. */
const ROLES: Readonly<Record<string, readonly string[]>> = {
  A: ['admin', 'manager', 'member', 'reader'],
  G: ['manager', 'member', 'reader'],
  M: ['member', 'reader'],
  R: ['reader'],
  X: ['ornament'],
}
/** The role that gives each persona what he has. */
export const ROLE_OF: Readonly<Record<string, string>> = {
  A: 'admin',
  G: 'manager',
  M: 'member',
  R: 'reader',
  X: 'ornament',
}
export const PERSONAS = ['SA', 'SM', 'SR', 'DA', 'DG', 'DM', 'DR', 'PA', 'PG', 'PM', 'PR', 'PX', 'SV'] as const
export type Persona = (typeof PERSONAS)[number]

/** The bearer of a persona's token; every id of his begins with `own-`. */
export function whoIs(persona: Persona): Who {
  const scope = persona === 'SV' ? 'P' : persona.charAt(0)
  return {
    userId: 'own-user',
    userName: persona,
    userDomainId: 'own-domain',
    userDomainName: 'own',
    projectId: scope === 'P' ? 'own-project' : null,
    projectName: scope === 'P' ? 'own' : null,
    projectDomainId: scope === 'P' ? 'own-domain' : null,
    projectDomainName: scope === 'P' ? 'own' : null,
    domainId: scope === 'D' ? 'own-domain' : null,
    system: scope === 'S',
    roles: persona === 'SV' ? ['service'] : (ROLES[persona.charAt(1)] ?? []),
    token: 'token',
    expiresAt: Number.MAX_SAFE_INTEGER,
    auditIds: [],
    methods: ['password'],
  }
}
/** A thing of somebody else: whatever is asked of it, the answer is another's id; of a role, one that managers may give. */
export const foreign: Readonly<Record<string, unknown>> = new Proxy(
  {},
  { get: (_thing, key) => (String(key).endsWith('role.name') ? 'member' : "another's"), has: () => true },
)
