// Files that a server's config drive holds beside what is told of it.
import type { Kysely } from 'kysely'

import type { NovaTables } from '#services/nova/db/tables.ts'

export interface ServerFile {
  readonly path: string
  /** In base64, as it was sent. */
  readonly contents: string
}

export const serverFilesDb = (q: Kysely<NovaTables>) => ({
  async keep(serverId: string, files: readonly ServerFile[]): Promise<void> {
    for (const [position, { path, contents }] of files.entries())
      await q.insertInto('server_files').values({ server_id: serverId, position, path, contents }).execute()
  },
  /** These and no others. */
  async replace(serverId: string, files: readonly ServerFile[]): Promise<void> {
    await q.deleteFrom('server_files').where('server_id', '=', serverId).execute()
    await this.keep(serverId, files)
  },
  of: (serverId: string): Promise<ServerFile[]> =>
    q
      .selectFrom('server_files')
      .select(['path', 'contents'])
      .where('server_id', '=', serverId)
      .orderBy('position')
      .execute(),
})
