// Policy rules as a table: name, default check string in oslo's language, one sentence. Rules are values, so a misspelt
// one does not compile; check strings stay text because operators own such files.

export type Scope = 'project' | 'domain' | 'system'

export interface Rule {
  /** Upstream's full name, e.g. `os_compute_api:servers:create`, `volume:create`. */
  readonly name: string
  readonly check: string
  readonly sentence: string
  /** Token scopes the rule accepts; empty accepts any (Cinder). */
  readonly scopes: readonly Scope[]
}

type Row = readonly [name: string, check: string, sentence: string, scopes?: readonly Scope[]]
export type RuleTable<T extends Record<string, Row>> = { readonly [K in keyof T]: Rule }

/**
 * Declares a service's rules: `ruleTable(['project'], { create: ['volume:create', 'rule:project_member_or_admin', 'Create a volume'] })`.
 * The first argument is the scopes of rows that name none.
 */
export function ruleTable<const T extends Record<string, Row>>(scopes: readonly Scope[], rows: T): RuleTable<T> {
  const table: Record<string, Rule> = {}
  for (const [key, [name, check, sentence, own]] of Object.entries(rows)) {
    table[key] = Object.freeze({ name, check, sentence, scopes: own ?? scopes })
  }
  return table as RuleTable<T>
}

/** `public`: no token needed. `authenticated`: any valid token (written out, so that the reader sees it is meant). */
export type RoutePolicy = Rule | 'public' | 'authenticated'
