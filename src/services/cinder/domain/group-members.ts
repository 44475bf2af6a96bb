// Which volumes may enter or leave a group. Throws 400 with the first reason that stands against it.
import type { Kysely } from 'kysely'

import { faults } from '#services/cinder/contract/faults.ts'
import { groupsDb, type Group } from '#services/cinder/db/groups.ts'
import type { CinderTables } from '#services/cinder/db/tables.ts'
import { volumesDb, type Volume } from '#services/cinder/db/volumes.ts'
import { isUuid } from '#services/cinder/domain/find.ts'
import { actorHost } from '#services/cinder/rpc.ts'

const MAY_LEAVE = ['available', 'in-use', 'error', 'error_deleting']
const MAY_ENTER = ['available', 'in-use']
const python = (words: readonly string[]): string => `('${words.join("', '")}')`

/** The ids that are to be added: those that are members already are left out. */
export async function judgeAdded(
  q: Kysely<CinderTables>,
  group: Group,
  typeIds: readonly string[],
  members: readonly Volume[],
  wanted: readonly string[],
): Promise<string[]> {
  const added: string[] = []
  for (const id of new Set(wanted)) {
    if (members.some(member => member.id === id.toLowerCase())) continue
    const refuse = (why: string): Error =>
      faults.InvalidVolume({ reason: `Cannot add volume ${id} to group ${group.id} ${why}` })
    const volume = isUuid(id) ? await volumesDb(q).byId(id.toLowerCase()) : undefined
    // A foreign volume is as one that is not there.
    if (volume === undefined || volume.projectId !== group.projectId) throw refuse('because volume cannot be found.')
    const other = await groupsDb(q).ofVolume(volume.id)
    if (other !== null) throw refuse(`because it is already in group ${other}.`)
    if (!typeIds.includes(volume.typeId))
      throw refuse(`because volume type ${volume.typeId} is not supported by the group.`)
    if (!MAY_ENTER.includes(volume.status))
      throw refuse(`because volume is in an invalid state: ${volume.status}. Valid states are: ${python(MAY_ENTER)}.`)
    if (actorHost(volume.host ?? '') !== actorHost(group.host ?? ''))
      throw faults.InvalidVolume({ reason: 'Volume is not local to this node.' })
    added.push(volume.id)
  }
  return added
}

export function judgeRemoved(group: Group, members: readonly Volume[], wanted: readonly string[]): string[] {
  return [...new Set(wanted)].map(id => {
    const member = members.find(one => one.id === id.toLowerCase())
    if (member === undefined)
      throw faults.InvalidVolume({
        reason: `Cannot remove volume ${id} from group ${group.id} because it is not in the group.`,
      })
    if (!MAY_LEAVE.includes(member.status))
      throw faults.InvalidVolume({
        reason: `Cannot remove volume ${id} from group ${group.id} because volume is in an invalid state: ${member.status}. Valid states are: ${python(MAY_LEAVE)}.`,
      })
    return member.id
  })
}
