// Whether extra specs are what upstream's registry knows. Names outside its namespaces are free.
import { Fault } from '#kernel/contract/fault.ts'
import { SPECS, SPEC_NAMESPACES, SPEC_PATTERNS, type SpecValue } from '#services/nova/contract/extra-specs.ts'

const BOOLEANS = new Set(['t', 'true', 'on', 'y', 'yes', '1', 'f', 'false', 'off', 'n', 'no', '0'])
const bad = (says: string): Fault => new Fault('ValidationError', 400, `Validation failed; ${says}`)

/** Throws 400 for the first spec that the registry refuses. */
export function checkExtraSpecs(specs: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(specs)) {
    const wants = Object.hasOwn(SPECS, name)
      ? SPECS[name]
      : SPEC_PATTERNS.find(([pattern]) => new RegExp(`^(?:${pattern})$`).test(name))?.[1]
    if (wants !== undefined) checkValue(wants, value)
    else if (name.includes(':') && new RegExp(`^(?:${SPEC_NAMESPACES})$`).test(name.split(':')[0] ?? ''))
      throw bad(`extra spec '${name}' does not appear to be a valid extra spec.`)
  }
}

function checkValue(wants: SpecValue, value: string): void {
  if (wants.is === 'bool') {
    if (!BOOLEANS.has(value.trim().toLowerCase())) throw bad(`'${value}' is not a valid boolean-like value.`)
    return
  }
  if (wants.is === 'int') {
    if (!/^\s*[+-]?\d+\s*$/.test(value)) throw bad(`'${value}' is not a valid integer value.`)
    const number = Number(value)
    if (wants.max !== undefined && number > wants.max)
      throw bad(`'${value}' is greater than the max value of '${wants.max}'.`)
    if (wants.min !== undefined && number < wants.min)
      throw bad(`'${value}' is less than the min value of '${wants.min}'.`)
    return
  }
  if (wants.pattern !== undefined && !new RegExp(`^(?:${wants.pattern})$`).test(value))
    throw bad(`'${value}' is not of the format '${wants.pattern}'.`)
  if (wants.words !== undefined && !wants.words.includes(value))
    throw bad(`'${value}' is not one of: ${wants.words.join(', ')}.`)
}
