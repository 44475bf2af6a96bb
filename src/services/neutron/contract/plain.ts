// The five routes that every regular noun has.
import { listReplyOf, replyOf, type Resource, type RowTable } from '#kernel/contract/resource.ts'
import { del, get, post, put } from '#kernel/contract/route.ts'
import type { AnyFaultMaker } from '#kernel/contract/fault.ts'
import type { Rule } from '#kernel/contract/rule.ts'
import { anyQuery } from '#services/neutron/contract/words.ts'

const judged = 'domain' as const
export const createRoute = <const P extends string, R extends RowTable>(
  path: P,
  of: Resource<R>,
  rule: Rule,
  faults: readonly AnyFaultMaker[] = [],
) => post(path, { policy: rule, judged, body: of.createBody, bodyOptional: true, reply: replyOf(of), faults })
export const updateRoute = <const P extends string, R extends RowTable>(
  path: P,
  of: Resource<R>,
  rule: Rule,
  faults: readonly AnyFaultMaker[] = [],
) => put(path, { policy: rule, judged, body: of.updateBody, bodyOptional: true, reply: replyOf(of), faults })
export const removeRoute = <const P extends string>(path: P, rule: Rule, faults: readonly AnyFaultMaker[] = []) =>
  del(path, { policy: rule, judged, faults })
export const listRoute = <const P extends string, R extends RowTable>(path: P, of: Resource<R>, rule: Rule) =>
  get(path, { policy: rule, judged, query: anyQuery, reply: listReplyOf(of) })
export const showRoute = <const P extends string, R extends RowTable>(
  path: P,
  of: Resource<R>,
  rule: Rule,
  faults: readonly AnyFaultMaker[] = [],
) => get(path, { policy: rule, judged, query: anyQuery, reply: replyOf(of), faults })
