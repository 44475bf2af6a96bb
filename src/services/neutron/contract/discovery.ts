// What there is: the versions, and the core nouns of version 2.0.
import { get } from '#kernel/contract/route.ts'
import { raw } from '#kernel/contract/shapes.ts'

const anything = raw<Record<string, unknown>>({ type: 'object' })
export const discovery = {
  versions: get('/', { policy: 'public', reply: anything }),
  resources: get('/v2.0', { policy: 'authenticated', reply: anything }),
}
