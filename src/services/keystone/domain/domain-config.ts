// Settings of domains: kept, shown and changed as data. A password among them is sealed and never shown.
import type { Ctx } from '#kernel/lib/context.ts'
import type { Rule } from '#kernel/contract/rule.ts'
import { faults } from '#services/keystone/contract/faults.ts'
import { rules } from '#services/keystone/contract/rules.ts'
import {
  listDomainOptions,
  removeDomainOptions,
  setDomainOption,
  type DomainOption,
  type OptionPath,
} from '#services/keystone/db/domain-config.ts'
import type { Query } from '#services/keystone/db/ledger.ts'
import { findProject } from '#services/keystone/db/projects.ts'
import { DEFAULTS, SENSITIVE } from '#services/keystone/domain/domain-config-options.ts'
import { enforce, type DomainTools } from '#services/keystone/domain/tools.ts'

/** Group → option → value; of one option alone: option → value. */
export type ConfigView = Readonly<Record<string, unknown>>
export interface DomainConfig {
  defaults(ctx: Ctx, of: OptionPath): ConfigView
  find(ctx: Ctx, domainId: string, of: OptionPath): Promise<ConfigView>
  create(ctx: Ctx, domainId: string, config: ConfigView): Promise<ConfigView>
  update(ctx: Ctx, domainId: string, config: ConfigView, of: OptionPath): Promise<ConfigView>
  remove(ctx: Ctx, domainId: string, of: OptionPath): Promise<void>
}

const COMPLIANCE = 'security_compliance'

export function createDomainConfig(tools: DomainTools): DomainConfig {
  const { ledger, clock, settings, credentialSeal } = tools
  const invalid = (reason: string): Error => faults.InvalidDomainConfig({ reason })
  const nameOf = (of: OptionPath): string =>
    of.option !== undefined
      ? `option ${of.option} in group ${of.group ?? ''}`
      : of.group !== undefined
        ? `group ${of.group}`
        : 'any options'

  /** Throws 403 for a group or an option that domains cannot have. */
  function checkKnown(of: OptionPath): void {
    const { group, option } = of
    if (group === undefined) return
    const known = Object.hasOwn(DEFAULTS, group) ? DEFAULTS[group] : undefined
    if (known === undefined) throw invalid(`Group ${group} is not supported for domain specific configurations`)
    if (option !== undefined && !Object.hasOwn(known, option) && !isSensitive(group, option))
      throw invalid(`Option ${option} in group ${group} is not supported for domain specific configurations`)
  }
  const isSensitive = (group: string, option: string): boolean => SENSITIVE.includes(`${group}.${option}`)

  /** A config as rows. Throws 403 when anything in it is not known. */
  function rowsOf(config: ConfigView): DomainOption[] {
    const rows: DomainOption[] = []
    if (Object.keys(config).length === 0) throw invalid('No options specified')
    for (const [group, options] of Object.entries(config)) {
      if (
        typeof options !== 'object' ||
        options === null ||
        Array.isArray(options) ||
        Object.keys(options).length === 0
      )
        throw invalid(`The value of group ${group} specified in the config should be a dictionary of options`)
      for (const [option, value] of Object.entries(options)) {
        checkKnown({ group, option })
        const json = JSON.stringify(value)
        const sensitive = isSensitive(group, option)
        rows.push({
          group,
          option,
          sensitive,
          value: sensitive ? credentialSeal.seal(new TextEncoder().encode(json), clock.now()) : json,
        })
      }
    }
    return rows
  }
  function view(rows: readonly DomainOption[], of: OptionPath): ConfigView {
    const shown: Record<string, Record<string, unknown>> = {}
    for (const row of rows) (shown[row.group] ??= {})[row.option] = JSON.parse(row.value) as unknown
    return of.option === undefined ? shown : (shown[of.group ?? ''] ?? {})
  }
  async function read(q: Query, domainId: string, of: OptionPath): Promise<ConfigView> {
    const rows = (await listDomainOptions(q, domainId, of)).filter(row => !row.sensitive)
    if (rows.length === 0) throw faults.DomainConfigNotFound({ what: nameOf(of), id: domainId })
    return view(rows, of)
  }
  const domainFor = async (ctx: Ctx, q: Query, id: string, rule: Rule): Promise<void> => {
    enforce(tools, ctx, rule, {})
    if ((await findProject(q, id))?.isDomain !== true) throw faults.DomainNotFound({ id })
  }
  /** What everybody may know about passwords here. */
  function compliance(domainId: string, of: OptionPath): ConfigView {
    if (domainId !== 'default')
      throw invalid(
        'Reading security compliance information for any domain other than the default domain is not allowed or supported.',
      )
    const all: Record<string, unknown> = {
      password_regex: settings.passwordRegex === '' ? null : settings.passwordRegex,
      password_regex_description: settings.passwordRegexDescription === '' ? null : settings.passwordRegexDescription,
    }
    if (of.option === undefined) return { [COMPLIANCE]: all }
    if (!Object.hasOwn(all, of.option))
      throw invalid(
        'Reading security compliance values other than password_regex and password_regex_description is not allowed.',
      )
    return { [of.option]: all[of.option] }
  }

  return {
    defaults(ctx, of) {
      enforce(tools, ctx, rules.getDomainConfigDefault, {})
      checkKnown(of)
      if (of.group === undefined) return DEFAULTS
      const group = DEFAULTS[of.group] ?? {}
      if (of.option === undefined) return { [of.group]: group }
      if (!Object.hasOwn(group, of.option))
        throw invalid(`Reading the default for option ${of.option} in group ${of.group} is not supported`)
      return { [of.option]: group[of.option] }
    },
    find: (ctx, domainId, of) =>
      ledger.read(ctx, 'find-domain-config', async q => {
        if (of.group === COMPLIANCE) {
          await domainFor(ctx, q, domainId, rules.getSecurityComplianceDomainConfig)
          return compliance(domainId, of)
        }
        await domainFor(ctx, q, domainId, rules.getDomainConfig)
        checkKnown(of)
        return read(q, domainId, of)
      }),
    create: (ctx, domainId, config) =>
      ledger.note(ctx, 'create-domain-config', async q => {
        await domainFor(ctx, q, domainId, rules.createDomainConfig)
        const rows = rowsOf(config)
        await removeDomainOptions(q, domainId)
        for (const row of rows) await setDomainOption(q, domainId, row)
        return view(
          rows.filter(row => !row.sensitive),
          {},
        )
      }),
    update: (ctx, domainId, config, of) =>
      ledger.note(ctx, 'update-domain-config', async q => {
        await domainFor(ctx, q, domainId, rules.updateDomainConfig)
        const { group, option } = of
        const whole = group !== undefined && option !== undefined ? { [group]: config } : config
        const rows = rowsOf(whole)
        checkKnown(of)
        if (group !== undefined) {
          const strays = rows.some(row => row.group !== group || (option !== undefined && row.option !== option))
          if (strays)
            throw invalid(
              option === undefined
                ? `Trying to update group ${group}, so that, and only that, group must be specified in the config`
                : `Trying to update option ${option} in group ${group}, so that, and only that, option must be specified in the config`,
            )
          if ((await listDomainOptions(q, domainId, of)).length === 0)
            throw faults.DomainConfigNotFound({ what: nameOf(of), id: domainId })
        }
        for (const row of rows) await setDomainOption(q, domainId, row)
        return read(q, domainId, {})
      }),
    async remove(ctx, domainId, of) {
      await ledger.note(ctx, 'remove-domain-config', async q => {
        await domainFor(ctx, q, domainId, rules.deleteDomainConfig)
        checkKnown(of)
        if (of.group !== undefined && (await listDomainOptions(q, domainId, of)).length === 0)
          throw faults.DomainConfigNotFound({ what: nameOf(of), id: domainId })
        await removeDomainOptions(q, domainId, of)
      })
    },
  }
}
