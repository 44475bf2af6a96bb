// Bodies and queries against shapes. Compiled on first use, one validator per shape and stretch of versions in which it
// does not change. Messages speak the words of Python's jsonschema, since clients read them.
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'

import type { Shape } from '#kernel/contract/shape.ts'
import type { VersionNumber } from '#kernel/contract/version.ts'
import { formats } from '#kernel/http/formats.ts'

/** What is wrong with a value, in pieces a dialect can make a sentence of. */
export interface Problem {
  /** Where: `['server', 'name']`. */
  readonly path: readonly (string | number)[]
  /** Ajv's keyword: `required`, `additionalProperties`, `type`, `maxLength`, … */
  readonly keyword: string
  /** What stands there, as Python would print it. */
  readonly value: string
  /** jsonschema's sentence: `'' is too short`. */
  readonly message: string
  readonly params: Readonly<Record<string, unknown>>
  /** The way through the schema to the keyword: `['properties', 'name', 'maxLength']`. */
  readonly schemaPath: readonly string[]
}

/** A value the way Python's repr prints it. */
export function pythonRepr(value: unknown): string {
  if (value === null || value === undefined) return 'None'
  if (value === true) return 'True'
  if (value === false) return 'False'
  if (typeof value === 'string') {
    const quote = value.includes("'") && !value.includes('"') ? '"' : "'"
    const inner = value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('\t', '\\t').replaceAll('\r', '\\r')
    return quote + (quote === "'" ? inner.replaceAll("'", "\\'") : inner) + quote
  }
  if (Array.isArray(value)) return `[${value.map(pythonRepr).join(', ')}]`
  if (typeof value === 'object') {
    return `{${Object.entries(value)
      .map(([key, entry]) => `${pythonRepr(key)}: ${pythonRepr(entry)}`)
      .join(', ')}}`
  }
  return String(value)
}

const short = (value: unknown): string => {
  const text = pythonRepr(value)
  return text.length > 1000 ? text.slice(0, 1000) + '…' : text
}

function sentence(error: ErrorObject, data: unknown): string {
  const it = short(data)
  const params = error.params as Record<string, unknown>
  switch (error.keyword) {
    case 'required':
      return `${pythonRepr(params['missingProperty'])} is a required property`
    case 'additionalProperties': {
      const patterns = error.parentSchema?.['patternProperties'] as Readonly<Record<string, unknown>> | undefined
      if (patterns !== undefined)
        return `${pythonRepr(params['additionalProperty'])} does not match any of the regexes: ${Object.keys(patterns).sort().map(pythonRepr).join(', ')}`
      return `Additional properties are not allowed (${pythonRepr(params['additionalProperty'])} was unexpected)`
    }
    case 'type': {
      const types = String(params['type']).split(',')
      return `${it} is not of type ${types.map(pythonRepr).join(', ')}`
    }
    case 'enum':
      return `${it} is not one of ${pythonRepr(params['allowedValues'])}`
    case 'minLength':
      return `${it} is too short`
    case 'maxLength':
      return `${it} is too long`
    case 'minItems':
      return `${it} is too short`
    case 'maxItems':
      return `${it} is too long`
    case 'uniqueItems':
      return `${it} has non-unique elements`
    case 'minimum':
      return `${it} is less than the minimum of ${String(params['limit'])}`
    case 'maximum':
      return `${it} is greater than the maximum of ${String(params['limit'])}`
    case 'intLike':
      return String(params['says'])
    case 'pattern':
      return `${it} does not match ${pythonRepr(params['pattern'])}`
    case 'format':
      return params['format'] === 'name'
        ? `${it} does not match the rule of names`
        : `${it} is not a ${pythonRepr(params['format'])}`
    case 'minProperties':
      return `${it} does not have enough properties`
    case 'maxProperties':
      return `${it} has too many properties`
    case 'oneOf':
    case 'anyOf':
      return `${it} is not valid under any of the given schemas`
    default:
      return error.message ?? 'is not valid'
  }
}

const at = (data: unknown, path: readonly string[]): { value: unknown; path: (string | number)[] } => {
  let value = data
  const typed: (string | number)[] = []
  for (const part of path) {
    typed.push(Array.isArray(value) ? Number(part) : part)
    value = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[part] : undefined
  }
  return { value, path: typed }
}

/** `/server/name` → `['server', 'name']`. */
const pointerParts = (pointer: string): string[] =>
  pointer
    .split('/')
    .slice(1)
    .map(part => part.replaceAll('~1', '/').replaceAll('~0', '~'))

/** Of several errors the one to tell: the shallowest, and never a branch of an anyOf when the anyOf itself failed. */
function best(errors: readonly ErrorObject[]): ErrorObject {
  const depth = (error: ErrorObject): number => error.instancePath.split('/').length
  const wholes = errors.filter(error => error.keyword === 'oneOf' || error.keyword === 'anyOf')
  const shown = errors.filter(
    error => !wholes.some(whole => whole !== error && error.schemaPath.startsWith(whole.schemaPath + '/')),
  )
  return (shown.length > 0 ? shown : errors).reduce((a, b) => (depth(b) < depth(a) ? b : a))
}

export interface Validator {
  /** The first problem, or null. `value` is not changed. */
  problem(shape: Shape<unknown>, value: unknown, version: VersionNumber): Problem | null
}

/** One per service process: it holds the compiled validators. */
export function createValidator(): Validator {
  const ajv = new Ajv({
    allErrors: false,
    strict: false,
    allowUnionTypes: true,
    validateFormats: true,
    verbose: true,
    ownProperties: true,
    // Our schemas come from our own shapes, and a test holds them all against the meta-schema: compiling that one costs more
    // than any of them. What Ajv's optimiser takes out of the code V8 takes out too, in half the time and only where it matters.
    validateSchema: false,
    meta: false,
    code: { optimize: false },
  })
  for (const [name, test] of Object.entries(formats)) ajv.addFormat(name, { type: 'string', validate: test })
  ajv.addKeyword({
    keyword: 'intLike',
    schemaType: 'object',
    errors: 'full',
    validate: function intLike(limits: { minimum?: number; maximum?: number }, data: unknown): boolean {
      const value = Number(data)
      const says = !Number.isSafeInteger(value)
        ? `${short(data)} is not an integer`
        : limits.minimum !== undefined && value < limits.minimum
          ? `${short(data)} is less than the minimum of ${limits.minimum}`
          : limits.maximum !== undefined && value > limits.maximum
            ? `${short(data)} is greater than the maximum of ${limits.maximum}`
            : null
      if (says === null) return true
      ;(intLike as { errors?: unknown }).errors = [{ keyword: 'intLike', params: { says }, message: says }]
      return false
    },
  })
  const compiled = new Map<Shape<unknown>, Map<number, ValidateFunction>>()
  const validatorOf = (shape: Shape<unknown>, version: VersionNumber): ValidateFunction => {
    let epoch = 0
    for (const mark of shape.marks) if (version >= mark) epoch = mark
    let byEpoch = compiled.get(shape)
    if (byEpoch === undefined) compiled.set(shape, (byEpoch = new Map()))
    let validate = byEpoch.get(epoch)
    if (validate === undefined) byEpoch.set(epoch, (validate = ajv.compile(shape.schema(version))))
    return validate
  }
  return {
    problem(shape, value, version) {
      const validate = validatorOf(shape, version)
      if (validate(value)) return null
      const error = best(validate.errors ?? [])
      const parts = pointerParts(error.instancePath)
      const place = at(value, parts)
      return {
        path: place.path,
        keyword: error.keyword,
        value: short(place.value),
        message: sentence(error, place.value),
        params: error.params,
        schemaPath: pointerParts(decodeURIComponent(error.schemaPath)),
      }
    },
  }
}

/** From here on JSON writers use an exponent: it may be a fraction's upper limit, which the shape shall judge first. */
const WRITTEN_AS_FLOAT = 1e21

/** A number beyond what shapes let through and code may count with. Returns a sentence or null; asked after the shape. */
export function unfitNumber(value: unknown): string | null {
  if (typeof value === 'number') return Math.abs(value) >= WRITTEN_AS_FLOAT ? 'a number is too large' : null
  if (typeof value !== 'object' || value === null) return null
  for (const entry of Object.values(value)) {
    const says = unfitNumber(entry)
    if (says !== null) return says
  }
  return null
}

/** Limits that come before any shape: nesting, array length, safe numbers, NUL and lone surrogates. Returns a sentence or null. */
export function unfit(value: unknown, depth = 0): string | null {
  if (typeof value === 'string') {
    if (value.includes('\u0000')) return 'a string holds a NUL character'
    if (!value.isWellFormed()) return 'a string holds a lone surrogate'
    return null
  }
  if (typeof value === 'number') {
    return Number.isInteger(value) && !Number.isSafeInteger(value) && Math.abs(value) < WRITTEN_AS_FLOAT
      ? 'a number is too large'
      : null
  }
  if (typeof value !== 'object' || value === null) return null
  if (depth >= 64) return 'the JSON is nested too deeply'
  if (Array.isArray(value)) {
    if (value.length > 10_000) return 'an array is too long'
    for (const entry of value) {
      const says = unfit(entry, depth + 1)
      if (says !== null) return says
    }
    return null
  }
  for (const key in value) {
    const says = unfit(key, depth + 1) ?? unfit((value as Record<string, unknown>)[key], depth + 1)
    if (says !== null) return says
  }
  return null
}
