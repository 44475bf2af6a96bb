// What there is: versions, core nouns, extensions.
import { handlers, type HandlerTable } from '#kernel/http/handlers.ts'
import { Fault } from '#kernel/contract/fault.ts'
import { discovery } from '#services/neutron/contract/discovery.ts'
import { allExtensions } from '#services/neutron/contract/extensions-more.ts'
import { extensionRoutes, type Extension } from '#services/neutron/contract/extensions.ts'

const view = (one: Extension): object => ({
  name: one.name,
  alias: one.alias,
  description: one.description,
  updated: one.updated,
  links: [],
})

export const discoveryHandlers = (): HandlerTable =>
  handlers(discovery, {
    versions: call => ({
      versions: [{ id: 'v2.0', status: 'CURRENT', links: [{ rel: 'self', href: `${call.base}/v2.0/` }] }],
    }),
    resources: call => ({
      resources: ['network', 'subnet', 'port'].map(name => ({
        name,
        collection: `${name}s`,
        links: [{ rel: 'self', href: `${call.base}/v2.0/${name}s` }],
      })),
    }),
  })

export const extensionHandlers = (): HandlerTable =>
  handlers(extensionRoutes, {
    list: () => ({ extensions: allExtensions.map(view) }),
    show: call => {
      const found = allExtensions.find(one => one.alias === call.params.alias)
      if (found === undefined)
        throw new Fault('HTTPNotFound', 404, `Extension with alias ${call.params.alias} does not exist`)
      return { extension: view(found) }
    },
  })
