// What upstream once had and took away for good: 410 at every microversion, with any valid token. And the Bare Metal proxy,
// whose writing half answers 400 and whose reading half needs a service that is not here.
import { action, del, get, post, put, type AnyRoute, type Routes } from '#kernel/contract/route.ts'
import { nullable, any } from '#kernel/contract/shapes.ts'
import { rules } from '#services/nova/contract/rules.ts'

type Make = (path: string) => AnyRoute
const open = { policy: 'authenticated' } as const
const GET: Make = path => get(path, open)
const POST: Make = path => post(path, open)
const PUT: Make = path => put(path, open)
const DELETE: Make = path => del(path, open)
const ACT =
  (word: string): Make =>
  path =>
    action(path, word, { ...open, body: nullable(any), bodyOptional: true })

/** Path behind `/v2.1`, and what could be done there. */
const GONE: readonly (readonly [string, ...Make[]])[] = [
  ['/os-agents', GET, POST],
  ['/os-agents/{id}', PUT, DELETE],
  ['/os-cells', GET, POST],
  ['/os-cells/capacities', GET],
  ['/os-cells/detail', GET],
  ['/os-cells/info', GET],
  ['/os-cells/sync_instances', POST],
  ['/os-cells/{id}', GET, PUT, DELETE],
  ['/os-cells/{id}/capacities', GET],
  ['/os-certificates', POST],
  ['/os-certificates/{id}', GET],
  ['/os-cloudpipe', GET, POST],
  ['/os-cloudpipe/{id}', PUT],
  ['/os-fixed-ips/{id}', GET],
  ['/os-fixed-ips/{id}/action', ACT('reserve'), ACT('unreserve')],
  ['/os-floating-ip-dns', GET],
  ['/os-floating-ip-dns/{domain}', PUT, DELETE],
  ['/os-floating-ip-dns/{domain}/entries/{entry}', GET, PUT, DELETE],
  ['/os-floating-ips-bulk', GET, POST],
  ['/os-floating-ips-bulk/{id}', GET, PUT],
  ['/os-fping', GET],
  ['/os-fping/{id}', GET],
  ['/os-networks', POST],
  ['/os-networks/add', POST],
  ['/os-networks/{id}', DELETE],
  [
    '/os-networks/{id}/action',
    ACT('disassociate'),
    ACT('disassociate_host'),
    ACT('disassociate_project'),
    ACT('associate_host'),
  ],
  ['/os-security-group-default-rules', GET, POST],
  ['/os-security-group-default-rules/{id}', GET, DELETE],
  ['/os-tenant-networks', POST],
  ['/os-tenant-networks/{id}', DELETE],
  ['/servers/{id}/action', ACT('resetNetwork')],
  ['/servers/{id}/consoles', GET, POST],
  ['/servers/{id}/consoles/{console}', GET, DELETE],
  ['/servers/{id}/os-virtual-interfaces', GET],
]
export const gone: Routes = Object.fromEntries(
  GONE.flatMap(([path, ...makes]) =>
    makes.map(make => {
      const route = make(`/v2.1${path}`)
      return [`${route.method} ${route.path} ${route.action ?? ''}`, route]
    }),
  ),
)

const until = '2.35'
const nodes = '/v2.1/os-baremetal-nodes'
const node = '/v2.1/os-baremetal-nodes/{id}'
const empty = { policy: 'authenticated', until, bodyOptional: true } as const
export const bareMetal = {
  list: get(nodes, { policy: rules.baremetalNodesList, until }),
  show: get(node, { policy: rules.baremetalNodesShow, until }),
  create: post(nodes, empty),
  remove: del(node, empty),
  addInterface: action(`${node}/action`, 'add_interface', { ...empty, body: nullable(any) }),
  removeInterface: action(`${node}/action`, 'remove_interface', { ...empty, body: nullable(any) }),
}
