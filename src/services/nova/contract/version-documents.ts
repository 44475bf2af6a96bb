// What tells clients which versions there are. No token is needed for these.
import { get } from '#kernel/contract/route.ts'

export const versionDocuments = {
  all: get('/', { policy: 'public' }),
  v21: get('/v2.1', { policy: 'public' }),
  v2: get('/v2', { policy: 'public' }),
}
