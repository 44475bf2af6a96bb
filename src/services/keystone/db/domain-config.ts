// Rows of settings of domains.
import { flag, isSet } from '#kernel/db/codecs.ts'
import { upsert } from '#kernel/db/helpers.ts'
import type { Query } from '#services/keystone/db/ledger.ts'

export interface DomainOption {
  readonly group: string
  readonly option: string
  readonly sensitive: boolean
  /** JSON; sealed where sensitive. */
  readonly value: string
}
/** Narrowed by group and option where given. */
export interface OptionPath {
  readonly group?: string | undefined
  readonly option?: string | undefined
}

export async function listDomainOptions(q: Query, domainId: string, of: OptionPath = {}): Promise<DomainOption[]> {
  let query = q.selectFrom('domain_options').selectAll().where('domain_id', '=', domainId)
  if (of.group !== undefined) query = query.where('group_name', '=', of.group)
  if (of.option !== undefined) query = query.where('option_name', '=', of.option)
  const rows = await query.orderBy('group_name').orderBy('option_name').execute()
  return rows.map(row => ({
    group: row.group_name,
    option: row.option_name,
    sensitive: isSet(row.sensitive),
    value: row.value,
  }))
}
export const setDomainOption = (q: Query, domainId: string, it: DomainOption): Promise<void> =>
  upsert(
    q,
    'domain_options',
    {
      domain_id: domainId,
      group_name: it.group,
      option_name: it.option,
      sensitive: flag(it.sensitive),
      value: it.value,
    },
    ['domain_id', 'group_name', 'option_name'],
  )
export async function removeDomainOptions(q: Query, domainId: string, of: OptionPath = {}): Promise<void> {
  let query = q.deleteFrom('domain_options').where('domain_id', '=', domainId)
  if (of.group !== undefined) query = query.where('group_name', '=', of.group)
  if (of.option !== undefined) query = query.where('option_name', '=', of.option)
  await query.execute()
}
