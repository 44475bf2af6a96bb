// What tells clients which versions there are. No token is needed for these.
import { get } from '#kernel/contract/route.ts'

export const versionDocuments = {
  all: get('/', { policy: 'public' }),
  v21: get('/v2.1', { policy: 'public' }),
  /** The same documents by their names, for whoever has a token. */
  one: get('/v2.1/versions/{id}', { policy: 'authenticated' }),
  v2: get('/v2', { policy: 'public' }),
}
