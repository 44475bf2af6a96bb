// `password_expires_at=lt:2026-11-22T13:48:02Z`: a filter with an operator in it.
import { faults } from '#services/keystone/contract/faults.ts'
import type { ExpiryFilter, ExpiryOperator } from '#services/keystone/db/users.ts'
import { timeOf } from '#services/keystone/domain/common.ts'

const OPERATORS: readonly string[] = ['eq', 'neq', 'lt', 'lte', 'gt', 'gte']

/** Throws 400 for an unknown operator or a time that is none. Without an operator: that very moment. */
export function expiryFilters(query: unknown): ExpiryFilter[] {
  const given = (query as Readonly<Record<string, unknown>>)['password_expires_at']
  const texts = (Array.isArray(given) ? given : [given]).filter(text => typeof text === 'string')
  return texts.map(text => {
    const match = /^([a-z]+):(.*)$/is.exec(text)
    const operator = match?.[1] ?? 'eq'
    if (!OPERATORS.includes(operator)) throw faults.InvalidOperator({ operator })
    return { operator: operator as ExpiryOperator, at: timeOf(match?.[2] ?? text) }
  })
}
