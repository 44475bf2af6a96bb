// What rules of a mapping must look like, in each version of their schema. Pure.
import { faults } from '#services/keystone/contract/faults.ts'

type Bag = Record<string, unknown>
type Look = (value: unknown, at: string) => string[]

export const DEFAULT_SCHEMA = '1.0'
const VERSIONS = ['1.0', '2.0', '3.0']
/** Longest rules, as JSON. */
const MOST = 65_536

const isBag = (value: unknown): value is Bag => typeof value === 'object' && value !== null && !Array.isArray(value)
const text: Look = (value, at) => (typeof value === 'string' ? [] : [`${at} is not of type 'string'`])
const truth: Look = (value, at) => (typeof value === 'boolean' ? [] : [`${at} is not of type 'boolean'`])
const anyList: Look = (value, at) => (Array.isArray(value) ? [] : [`${at} is not of type 'array'`])
const listOf =
  (look: Look, min = 0): Look =>
  (value, at) =>
    !Array.isArray(value)
      ? [`${at} is not of type 'array'`]
      : value.length < min
        ? [`${at} is too short`]
        : value.flatMap((one: unknown, index) => look(one, `${at}[${index}]`))
const bag =
  (fields: Readonly<Record<string, Look>>, required: readonly string[] = []): Look =>
  (value, at) => {
    if (!isBag(value)) return [`${at} is not of type 'object'`]
    const says = required.filter(key => value[key] === undefined).map(key => `'${key}' is a required property of ${at}`)
    for (const [key, one] of Object.entries(value)) {
      const look = Object.hasOwn(fields, key) ? fields[key] : undefined
      says.push(...(look === undefined ? [`'${key}' was unexpected in ${at}`] : look(one, `${at}.${key}`)))
    }
    return says
  }
const oneOf =
  (...looks: readonly Look[]): Look =>
  (value, at) =>
    looks.filter(look => look(value, at).length === 0).length === 1
      ? []
      : [`${at} is not valid under any of the given schemas`]

const domain = bag({ id: text, name: text })
const userType: Look = (value, at) =>
  value === 'ephemeral' || value === 'local' ? [] : [`${at} is not one of ['ephemeral', 'local']`]
const user = bag({ id: text, name: text, email: text, domain, type: userType })
const group = oneOf(bag({ id: text }, ['id']), bag({ name: text, domain }, ['name', 'domain']))
const roles = listOf(bag({ name: text }, ['name']))
const remote = oneOf(
  bag({ type: text }, ['type']),
  ...['any_one_of', 'not_any_of', 'blacklist', 'whitelist'].map(word =>
    bag({ type: text, [word]: anyList, regex: truth }, ['type', word]),
  ),
)
const localOf = (version: string): Look =>
  bag({
    user,
    projects: listOf(bag({ name: text, roles, ...(version === '1.0' ? {} : { domain }) }, ['name', 'roles'])),
    group,
    groups: text,
    group_ids: text,
    domain,
    ...(version === '3.0' ? { projects_json: text } : {}),
  })

/** The rules as they are kept. Throws 400 with everything that is wrong. */
export function readRules(rules: unknown, version: string): readonly unknown[] {
  if (!VERSIONS.includes(version))
    throw faults.ValidationError({ detail: `Attribute mapping schema version ${version} is not supported.` })
  if (rules === undefined) throw faults.ValidationError({ detail: "'rules' is a required property" })
  if (JSON.stringify(rules).length > MOST) throw faults.ValidationError({ detail: 'rules are too long' })
  const rule = bag({ local: listOf(localOf(version)), remote: listOf(remote, 1) }, ['local', 'remote'])
  const says = listOf(rule, 1)(rules, 'rules')
  if (says.length > 0) throw faults.ValidationError({ detail: says.slice(0, 20).join('\n') })
  return rules as readonly unknown[]
}
