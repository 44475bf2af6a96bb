// Which versions there are: asked by every client before anything else.
import { handlers, type HandlerTable } from '#kernel/http/handlers.ts'
import { discovery } from '#services/keystone/contract/auth.ts'

const version = (base: string): object => ({
  id: 'v3.14',
  status: 'stable',
  updated: '2020-04-07T00:00:00Z',
  links: [{ rel: 'self', href: `${base}/v3/` }],
  'media-types': [{ base: 'application/json', type: 'application/vnd.openstack.identity-v3+json' }],
})

export const discoveryHandlers = (): HandlerTable =>
  handlers(discovery, {
    root: call => {
      call.header('location', `${call.base}/v3/`)
      return { versions: { values: [version(call.base)] } }
    },
    v3: call => ({ version: version(call.base) }),
  })
