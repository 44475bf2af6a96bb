// The documents by which clients find the API and its versions.
import { versionText } from '#kernel/contract/version.ts'
import { handlers, type HandlerTable } from '#kernel/http/handlers.ts'
import { faults } from '#services/nova/contract/faults.ts'
import { versions } from '#services/nova/contract/versions.ts'
import { versionDocuments } from '#services/nova/contract/version-documents.ts'

const V21 = {
  id: 'v2.1',
  status: 'CURRENT',
  version: versionText(versions.max),
  min_version: versionText(versions.min),
  updated: '2013-07-23T11:33:21Z',
}
/** The same API under its older name, without microversions. */
const V2 = { id: 'v2.0', status: 'DEPRECATED', version: '', min_version: '', updated: '2025-07-04T12:00:00Z' }
const self = (base: string, folder: string): { rel: string; href: string } => ({
  rel: 'self',
  href: `${base}/${folder}/`,
})
const whole = (of: typeof V21, base: string, folder: string, number: string): object => ({
  version: {
    ...of,
    links: [self(base, folder), { rel: 'describedby', type: 'text/html', href: 'http://docs.openstack.org/' }],
    'media-types': [{ base: 'application/json', type: `application/vnd.openstack.compute+json;version=${number}` }],
  },
})

export const versionHandlers = (): HandlerTable =>
  handlers(versionDocuments, {
    all: call => ({
      versions: [
        { ...V2, links: [self(call.base, 'v2')] },
        { ...V21, links: [self(call.base, 'v2.1')] },
      ],
    }),
    one: call => {
      if (call.params.id === V21.id) return whole(V21, call.base, 'v2.1', '2.1')
      if (call.params.id === V2.id) return whole(V2, call.base, 'v2', '2')
      throw faults.NotFound({ reason: 'The resource could not be found.' })
    },
    v21: call => whole(V21, call.base, 'v2.1', '2.1'),
    v2: call => whole(V2, call.base, 'v2', '2'),
  })
