// Query parameters that are small languages of their own: resources, required, member_of, in_tree.
import { versionNumber, type VersionNumber } from '#kernel/contract/version.ts'
import { faults } from '#services/placement/contract/faults.ts'
import type { AnyOfEach } from '#services/placement/domain/provider-search.ts'

const UUID = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i
const MAX_AMOUNT = Number.MAX_SAFE_INTEGER
const FORBIDDEN_TRAITS = versionNumber('1.22')
const SEVERAL_MEMBER_OF = versionNumber('1.24')
const FORBIDDEN_AGGREGATES = versionNumber('1.32')
const ANY_TRAITS = versionNumber('1.39')

const bad = (detail: string): Error => faults.BadParameter({ detail })

/** `VCPU:2,MEMORY_MB:1024` → class → amount. Throws BadParameter (400). */
export function parseResources(text: string): Map<string, number> {
  const form =
    'Badly formed resources parameter. Expected resources query string parameter in form: ?resources=VCPU:2,MEMORY_MB:1024. Got: '
  if (text.trim() === '') throw bad(`${form}empty string.`)
  const resources = new Map<string, number>()
  for (const part of text.split(',')) {
    const [name, amount, more] = part.split(':')
    if (name === undefined || amount === undefined || more !== undefined) throw bad(`${form}${part}.`)
    const number = Number(amount)
    if (!/^\s*[+-]?\d+\s*$/.test(amount) || number > MAX_AMOUNT)
      throw bad(`Requested resource ${name} expected positive integer amount. Got: ${amount}.`)
    if (number < 1) throw bad(`Requested resource ${name} requires amount >= 1. Got: ${number}.`)
    resources.set(name, number)
  }
  return resources
}

export interface TraitWish {
  readonly required: AnyOfEach
  readonly forbidden: readonly string[]
}

/** One `required`: `A,!B`, or from 1.39 `in:A,B`. Throws BadParameter (400). */
export function parseTraits(text: string, may: { readonly forbid: boolean; readonly chooseAny: boolean }): TraitWish {
  const wrong = (detail: string): Error => bad(`Invalid query string parameters: ${detail}`)
  if (text.startsWith('in:')) {
    const form = `The format 'in:HW_CPU_X86_VMX,CUSTOM_MAGIC'`
    if (!may.chooseAny) throw wrong(`${form} only supported since microversion 1.39. Got: ${text}`)
    const any = [
      ...new Set(
        text
          .slice(3)
          .split(',')
          .map(name => name.trim()),
      ),
    ]
    if (any.includes(''))
      throw wrong(
        `Expected 'required' parameter value of the form: in:HW_CPU_X86_VMX,CUSTOM_MAGIC. Got an empty trait in: ${text}`,
      )
    if (any.some(name => name.startsWith('!'))) throw wrong(`${form} does not support forbidden traits. Got: ${text}`)
    return { required: [any], forbidden: [] }
  }
  const names = text.split(',').map(name => name.trim())
  // compat: any number of ! means one.
  const forbidden = names.filter(name => name.startsWith('!')).map(name => name.replace(/^!+/, ''))
  const example = may.forbid ? 'HW_CPU_X86_VMX,!CUSTOM_MAGIC' : 'HW_CPU_X86_VMX,CUSTOM_MAGIC'
  if ([...names, ...forbidden].includes('') || (forbidden.length > 0 && !may.forbid))
    throw wrong(`Expected 'required' parameter value of the form: ${example}. Got: ${text}`)
  return { required: names.filter(name => !name.startsWith('!')).map(name => [name]), forbidden }
}

/** All `required` of a request or of a group. Before 1.39 only the last counts. Throws BadParameter (400). */
export function parseRequired(texts: readonly string[], at: VersionNumber): TraitWish {
  const may = { forbid: at >= FORBIDDEN_TRAITS, chooseAny: at >= ANY_TRAITS }
  const wishes = (may.chooseAny ? texts : texts.slice(-1)).map(text => parseTraits(text, may))
  return { required: wishes.flatMap(wish => wish.required), forbidden: wishes.flatMap(wish => wish.forbidden) }
}

export interface AggregateWish {
  readonly memberOf: AnyOfEach
  readonly notMemberOf: readonly string[]
}

/** All `member_of` of a request or of a group: `A`, `in:A,B`, `!A`, `!in:A,B`. Throws BadParameter (400). */
export function parseMemberOf(texts: readonly string[], at: VersionNumber, suffix = ''): AggregateWish {
  if (texts.length > 1 && at < SEVERAL_MEMBER_OF) throw bad(`Multiple member_of${suffix} parameters are not supported`)
  const memberOf: string[][] = []
  const notMemberOf: string[] = []
  for (const text of texts) {
    const match = /^(!?)(in:)?(.*)$/s.exec(text)
    const [, not = '', several, rest = ''] = match ?? []
    if (several === undefined && rest.includes(','))
      throw bad(
        `Multiple values for 'member_of' must be prefixed with the 'in:' or '!in:' keyword using the valid microversion. Got: ${text}`,
      )
    const ids = several === undefined ? [rest] : rest.split(',')
    const wrong = ids.find(id => !UUID.test(id))
    if (wrong !== undefined)
      throw bad(
        `Invalid query string parameters: Expected 'member_of' parameter to contain valid UUID(s). Got: ${wrong}`,
      )
    if (not === '') memberOf.push(ids)
    else if (at < FORBIDDEN_AGGREGATES)
      throw bad(`Forbidden member_of${suffix} parameters are not supported in the specified microversion`)
    else notMemberOf.push(...ids)
  }
  return { memberOf, notMemberOf }
}

/** Throws BadParameter (400). */
export function parseInTree(text: string): string {
  const id = text.trim()
  if (!UUID.test(id))
    throw bad(`Invalid query string parameters: Expected 'in_tree' parameter to be a format of uuid. Got: ${text}`)
  return id
}
