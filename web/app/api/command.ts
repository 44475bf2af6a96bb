// The same call as a command a person can type. No secret leaves the page: tokens and passwords become shell variables.
import { MICROVERSION, type Call, urlOf } from '#app/api/client.ts'

/** The call as curl, with `$OS_TOKEN` (from `openstack token issue -f value -c id`) and `$OS_PASSWORD`. */
export function curlFor(call: Call, origin: string): string {
  const version = MICROVERSION[call.service]
  const parts = ['curl -s']
  if (call.path.endsWith('/events')) parts[0] = 'curl -sN'
  if (call.path === '/auth/tokens' && call.method === 'POST') parts[0] = 'curl -si'
  if (call.method !== 'GET') parts.push(`-X ${call.method}`)
  if (call.token !== null) parts.push('-H "X-Auth-Token: $OS_TOKEN"')
  if (call.subjectToken !== undefined) parts.push('-H "X-Subject-Token: $OS_TOKEN"')
  if (version !== undefined) parts.push(`-H ${quote(`OpenStack-API-Version: ${version}`)}`)
  if (call.body !== undefined) {
    parts.push("-H 'Content-Type: application/json'", `-d ${bodyWord(call)}`)
  }
  if (call.method === 'PUT' && call.path.endsWith('/file'))
    parts.push("-H 'Content-Type: application/octet-stream'", '--data-binary @FILE')
  parts.push(quote(origin + urlOf(call)))
  return parts.join(' \\\n  ')
}

/** The call as an `openstack` (or `koto`) command; null where none does just this. */
export function openstackFor(call: Call): string | null {
  const key = `${call.service} ${call.method}`
  for (const [pattern, way] of WAYS) {
    const match = pattern.exec(`${key} ${call.path}`)
    if (match !== null) return way(call, decodeURIComponent(match[1] ?? ''))
  }
  return null
}

type Way = (call: Call, id: string) => string | null

const WAYS: readonly (readonly [RegExp, Way])[] = [
  [/^identity POST \/auth\/tokens$/, call => tokenIssue(call)],
  [/^identity DELETE \/auth\/tokens$/, () => 'openstack token revoke "$OS_TOKEN"'],
  [/^identity GET \/auth\/projects$/, () => 'openstack project list --my-projects'],
  [/^compute GET \/servers\/detail$/, () => 'openstack server list --long'],
  [/^compute POST \/servers$/, call => serverCreate(call)],
  [/^compute GET \/servers\/([^/]+)$/, (_call, id) => `openstack server show ${quote(id)}`],
  [/^compute DELETE \/servers\/([^/]+)$/, (_call, id) => `openstack server delete ${quote(id)}`],
  [/^compute POST \/servers\/([^/]+)\/action$/, (call, id) => serverAction(call, id)],
  [
    /^compute POST \/servers\/([^/]+)\/remote-consoles$/,
    (_call, id) => `openstack console url show --novnc ${quote(id)}`,
  ],
  [/^compute GET \/flavors\/detail$/, () => 'openstack flavor list'],
  [/^compute GET \/os-keypairs$/, () => 'openstack keypair list'],
  [/^compute GET \/limits$/, () => 'openstack limits show --absolute'],
  [/^image GET \/images$/, () => 'openstack image list --long'],
  [/^image POST \/images$/, call => imageCreate(call)],
  [/^image DELETE \/images\/([^/]+)$/, (_call, id) => `openstack image delete ${quote(id)}`],
  [/^volume GET \/[^/]+\/volumes\/detail$/, () => 'openstack volume list --long'],
  [/^volume POST \/[^/]+\/volumes$/, call => volumeCreate(call)],
  [/^volume DELETE \/[^/]+\/volumes\/([^/]+)$/, (_call, id) => `openstack volume delete ${quote(id)}`],
  [/^volume POST \/[^/]+\/volumes\/([^/]+)\/action$/, (call, id) => volumeExtend(call, id)],
  [/^volume GET \/[^/]+\/snapshots\/detail$/, () => 'openstack volume snapshot list --long'],
  [/^volume POST \/[^/]+\/snapshots$/, call => snapshotCreate(call)],
  [/^volume DELETE \/[^/]+\/snapshots\/([^/]+)$/, (_call, id) => `openstack volume snapshot delete ${quote(id)}`],
  [
    /^compute POST \/servers\/([^/]+)\/os-volume_attachments$/,
    (call, id) => `openstack server add volume ${quote(id)} ${word(at(call.body, 'volumeAttachment', 'volumeId'))}`,
  ],
  [
    /^compute DELETE \/servers\/([^/]+\/os-volume_attachments\/[^/]+)$/,
    (_call, ids) => `openstack server remove volume ${ids.split('/os-volume_attachments/').map(quote).join(' ')}`,
  ],
  [/^network GET \/subnets$/, () => 'openstack subnet list --long'],
  [/^network GET \/routers$/, () => 'openstack router list --long'],
  [/^network GET \/ports$/, () => 'openstack port list --long'],
  [/^network GET \/floatingips$/, call => projectOption('openstack floating ip list', call)],
  [/^network POST \/networks$/, call => `openstack network create -- ${word(at(call.body, 'network', 'name'))}`],
  [/^network DELETE \/networks\/([^/]+)$/, (_call, id) => `openstack network delete ${quote(id)}`],
  [
    /^network POST \/subnets$/,
    ({ body }) =>
      `openstack subnet create --network ${word(at(body, 'subnet', 'network_id'))} --subnet-range ${word(at(body, 'subnet', 'cidr'))} -- ${word(at(body, 'subnet', 'name'))}`,
  ],
  [
    /^network POST \/floatingips$/,
    call => `openstack floating ip create ${word(at(call.body, 'floatingip', 'floating_network_id'))}`,
  ],
  [/^network PUT \/floatingips\/([^/]+)$/, (call, id) => floatingIpSet(call, id)],
  [/^network DELETE \/floatingips\/([^/]+)$/, (_call, id) => `openstack floating ip delete ${quote(id)}`],
  [
    /^network POST \/security-groups$/,
    call => `openstack security group create -- ${word(at(call.body, 'security_group', 'name'))}`,
  ],
  [/^network DELETE \/security-groups\/([^/]+)$/, (_call, id) => `openstack security group delete ${quote(id)}`],
  [
    /^network GET \/security-group-rules$/,
    call => `openstack security group rule list ${word(call.query?.['security_group_id'])}`,
  ],
  [/^network POST \/security-group-rules$/, call => ruleCreate(call)],
  [
    /^network DELETE \/security-group-rules\/([^/]+)$/,
    (_call, id) => `openstack security group rule delete ${quote(id)}`,
  ],
  [/^network GET \/networks$/, () => 'openstack network list --long'],
  [/^network GET \/security-groups$/, call => projectOption('openstack security group list', call)],
  [/^volume GET \/[^/]+\/limits$/, () => 'openstack limits show --absolute'],
  [/^koto GET \/journey\/([^/]+)$/, (_call, id) => `koto journey ${quote(id)} --json`],
  [/^koto GET \/journey\/([^/]+)\/events$/, (_call, id) => `koto journey ${quote(id)} --json --follow`],
]

function tokenIssue(call: Call): string {
  const user = at(call.body, 'auth', 'identity', 'password', 'user')
  const project = at(call.body, 'auth', 'scope', 'project', 'id')
  const words = ['openstack']
  const name = at(user, 'name')
  const domain = at(user, 'domain', 'name')
  if (typeof name === 'string') words.push(`--os-username ${quote(name)}`)
  if (typeof domain === 'string') words.push(`--os-user-domain-name ${quote(domain)}`)
  if (typeof project === 'string') words.push(`--os-project-id ${quote(project)}`)
  return [...words, 'token issue'].join(' ')
}

function serverCreate(call: Call): string | null {
  const server = at(call.body, 'server')
  const networks = at(server, 'networks')
  const words = ['openstack server create']
  const option = (name: string, value: unknown): void => {
    if (typeof value === 'string') words.push(`--${name} ${quote(value)}`)
  }
  option('image', at(server, 'imageRef'))
  option('flavor', at(server, 'flavorRef'))
  if (networks === 'none') words.push('--no-network')
  for (const network of list(networks)) option('network', at(network, 'uuid'))
  option('key-name', at(server, 'key_name'))
  for (const group of list(at(server, 'security_groups'))) option('security-group', at(group, 'name'))
  const name = at(server, 'name')
  // After `--` a name that starts with a dash stays a name.
  words.push(`-- ${quote(typeof name === 'string' ? name : '')}`)
  return words.join(' \\\n  ')
}

function serverAction(call: Call, id: string): string | null {
  const verb = Object.keys(Object(call.body) as object)[0]
  if (verb === 'os-start') return `openstack server start ${quote(id)}`
  if (verb === 'os-stop') return `openstack server stop ${quote(id)}`
  if (verb === 'reboot') {
    return `openstack server reboot ${at(call.body, 'reboot', 'type') === 'HARD' ? '--hard' : '--soft'} ${quote(id)}`
  }
  if (verb === 'os-getConsoleOutput') {
    const length = at(call.body, 'os-getConsoleOutput', 'length')
    return `openstack console log show ${typeof length === 'number' ? `--lines ${length} ` : ''}${quote(id)}`
  }
  return null
}

/** A value as one shell word; nothing for what is no text. */
const word = (value: unknown): string =>
  typeof value === 'string' || typeof value === 'number' ? quote(String(value)) : "''"
const options = (values: unknown, names: Readonly<Record<string, string>>): string[] =>
  Object.entries(names).flatMap(([key, name]) => {
    const value = at(values, key)
    return value === undefined || value === null ? [] : [`--${name} ${word(value)}`]
  })

function imageCreate({ body }: Call): string {
  const words = options(body, { disk_format: 'disk-format', container_format: 'container-format' })
  return `openstack image create ${words.join(' ')} --file FILE -- ${word(at(body, 'name'))}`
}
function volumeCreate({ body }: Call): string {
  const volume = at(body, 'volume')
  const words = options(volume, { size: 'size', imageRef: 'image', snapshot_id: 'snapshot' })
  return `openstack volume create ${words.join(' ')} -- ${word(at(volume, 'name'))}`
}
function volumeExtend({ body }: Call, id: string): string | null {
  const size = at(body, 'os-extend', 'new_size')
  return size === undefined ? null : `openstack volume set --size ${word(size)} ${quote(id)}`
}
function snapshotCreate({ body }: Call): string {
  const snapshot = at(body, 'snapshot')
  return `openstack volume snapshot create --force --volume ${word(at(snapshot, 'volume_id'))} -- ${word(at(snapshot, 'name'))}`
}
function floatingIpSet({ body }: Call, id: string): string {
  const port = at(body, 'floatingip', 'port_id')
  return typeof port === 'string'
    ? `openstack floating ip set --port ${quote(port)} ${quote(id)}`
    : `openstack floating ip unset --port ${quote(id)}`
}
function ruleCreate({ body }: Call): string {
  const rule = at(body, 'security_group_rule')
  const words = options(rule, { ethertype: 'ethertype', protocol: 'protocol', remote_ip_prefix: 'remote-ip' })
  const [from, to] = [at(rule, 'port_range_min'), at(rule, 'port_range_max')]
  if (typeof from === 'number') words.push(`--dst-port ${from}:${typeof to === 'number' ? to : from}`)
  const way = at(rule, 'direction') === 'egress' ? 'egress' : 'ingress'
  return `openstack security group rule create --${way} ${words.join(' ')} ${word(at(rule, 'security_group_id'))}`
}

function projectOption(command: string, call: Call): string {
  const project = call.query?.['project_id']
  return project === undefined ? command : `${command} --project ${quote(project)}`
}

/** The body as one shell word in which secrets are variables the shell fills in. */
function bodyWord(call: Call): string {
  const text = JSON.stringify(call.body, (key, value: unknown) => {
    if (key === 'password' && typeof value === 'string') return '\u0001PASSWORD\u0001'
    if (key === 'token' && typeof at(value, 'id') === 'string') return { id: '\u0001TOKEN\u0001' }
    return value
  })
  return quote(text).replace(/\\u0001([A-Z]+)\\u0001/g, (_all, name: string) => `'"$OS_${name}"'`)
}

/** A word for a POSIX shell, quoted only where it must be. */
export function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}

function at(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (inner, key) => (typeof inner === 'object' && inner !== null ? (inner as Record<string, unknown>)[key] : undefined),
    value,
  )
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}
