// The two shapes of a wire that sagas carry in their state.
import type { NicRecord as Record } from '#services/nova/rpc.ts'
import type { RequestedNic as Requested } from '#services/nova/db/tables.ts'

export type NicRecord = Record
export type RequestedNic = Requested
