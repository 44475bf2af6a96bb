// The list of extensions over HTTP: it never changes.
import { handlers, type HandlerTable } from '#kernel/http/handlers.ts'
import { EXTENSIONS, extensions } from '#services/nova/contract/extensions.ts'
import { faults } from '#services/nova/contract/faults.ts'

const body = ([alias, name]: readonly [alias: string, name: string]): object => ({
  alias,
  name,
  description: name,
  links: [],
  namespace: 'http://docs.openstack.org/compute/ext/fake_xml',
  updated: '2014-12-03T00:00:00Z',
})

export const extensionHandlers = (): HandlerTable =>
  handlers(extensions, {
    list: () => ({ extensions: EXTENSIONS.map(body) }),
    show: call => {
      const found = EXTENSIONS.find(([alias]) => alias === call.params.alias)
      if (found === undefined) throw faults.NotFound({ reason: 'The resource could not be found.' })
      return { extension: body(found) }
    },
  })
