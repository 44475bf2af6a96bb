// What hangs on a server: metadata, tags, addresses, volumes, interfaces, consoles; and the events other services report.
import { action, del, get, post, put } from '#kernel/contract/route.ts'
import { may, must, object } from '#kernel/contract/shape.ts'
import {
  bool,
  boolLike,
  intLike,
  ip,
  list,
  nullable,
  raw,
  repeated,
  text,
  uuid,
  words,
} from '#kernel/contract/shapes.ts'
import { metadata } from '#services/nova/contract/servers.ts'
import { faults } from '#services/nova/contract/faults.ts'
import { rules } from '#services/nova/contract/rules.ts'

const server = '/v2.1/servers/{id}' as const
const act = '/v2.1/servers/{id}/action' as const
const tag = text({ min: 1, max: 60, pattern: '^[^,/]*$' })
const devicePath = text({ min: 1, max: 255, pattern: '(^/dev/x{0,1}[a-z]{0,1}d{0,1})([a-z]+)[0-9]*$' })
const pageQuery = object(
  { limit: may(intLike({ min: 0 })), offset: may(intLike({ min: 0 })) },
  { extra: { refusedFrom: '2.75' } },
)

export const serverMetadata = {
  list: get(`${server}/metadata`, { policy: rules.serverMetadataIndex }),
  show: get(`${server}/metadata/{key}`, { policy: rules.serverMetadataShow }),
  merge: post(`${server}/metadata`, {
    policy: rules.serverMetadataCreate,
    body: object({ metadata: must(metadata) }),
    status: 200,
  }),
  replace: put(`${server}/metadata`, {
    policy: rules.serverMetadataUpdateAll,
    body: object({ metadata: must(metadata) }),
  }),
  set: put(`${server}/metadata/{key}`, { policy: rules.serverMetadataUpdate, body: object({ meta: must(metadata) }) }),
  remove: del(`${server}/metadata/{key}`, { policy: rules.serverMetadataDelete }),
}

export const serverTags = {
  list: get(`${server}/tags`, { policy: rules.serverTagsIndex, since: '2.26' }),
  check: get(`${server}/tags/{tag}`, { policy: rules.serverTagsShow, since: '2.26', status: 204 }),
  replace: put(`${server}/tags`, {
    policy: rules.serverTagsUpdateAll,
    since: '2.26',
    body: object({ tags: must(list(tag, { max: 50 })) }),
  }),
  set: put(`${server}/tags/{tag}`, { policy: rules.serverTagsUpdate, since: '2.26', bodyOptional: true }),
  remove: del(`${server}/tags/{tag}`, { policy: rules.serverTagsDelete, since: '2.26' }),
  removeAll: del(`${server}/tags`, { policy: rules.serverTagsDeleteAll, since: '2.26' }),
}

export const serverAddresses = {
  list: get(`${server}/ips`, { policy: rules.ipsIndex }),
  show: get(`${server}/ips/{network}`, { policy: rules.ipsShow }),
}

export const volumeAttachments = {
  list: get(`${server}/os-volume_attachments`, { policy: rules.volumesAttachmentsIndex, query: pageQuery }),
  show: get(`${server}/os-volume_attachments/{volume}`, { policy: rules.volumesAttachmentsShow }),
  attach: post(`${server}/os-volume_attachments`, {
    policy: rules.volumesAttachmentsCreate,
    status: 200,
    body: object({
      volumeAttachment: must(
        object({
          volumeId: must(uuid),
          device: may(nullable(devicePath)),
          tag: may(tag).since('2.49'),
          delete_on_termination: may(boolLike).since('2.79'),
        }),
      ),
    }),
  }),
  /** Before 2.85 it only moves a volume to another one; from then on it changes properties, too. */
  update: put(`${server}/os-volume_attachments/{volume}`, {
    switches: { properties: '2.85' },
    policy: rules.volumesAttachmentsUpdate,
    status: 202,
    body: object({
      volumeAttachment: must(
        object(
          {
            volumeId: must(uuid),
            delete_on_termination: may(bool).since('2.85'),
            device: may(nullable(devicePath)).since('2.85'),
            serverId: may(uuid).since('2.85'),
            id: may(uuid).since('2.85'),
            tag: may(tag).since('2.85'),
          },
          { extra: { refusedFrom: '2.75' } },
        ),
      ),
    }),
  }),
  detach: del(`${server}/os-volume_attachments/{volume}`, { policy: rules.volumesAttachmentsDelete, status: 202 }),
}

export const serverInterfaces = {
  list: get(`${server}/os-interface`, { policy: rules.attachInterfacesList }),
  show: get(`${server}/os-interface/{port}`, { policy: rules.attachInterfacesShow }),
  attach: post(`${server}/os-interface`, {
    policy: rules.attachInterfacesCreate,
    status: 200,
    bodyOptional: true,
    body: object({
      interfaceAttachment: may(
        object({
          net_id: may(uuid),
          port_id: may(uuid),
          fixed_ips: may(list(object({ ip_address: must(ip) }), { min: 1, max: 1 })),
          tag: may(tag).since('2.49'),
        }),
      ),
    }),
  }),
  detach: del(`${server}/os-interface/{port}`, { policy: rules.attachInterfacesDelete, status: 202 }),
}

const consoleType = <const W extends readonly string[]>(...types: W) => object({ type: must(words(...types)) })
export const serverConsoles = {
  create: post(`${server}/remote-consoles`, {
    policy: rules.remoteConsoles,
    since: '2.6',
    status: 200,
    body: object({
      remote_console: must(
        object({
          protocol: must(words('vnc', 'spice', 'rdp', 'serial')).becomes(
            '2.8',
            words('vnc', 'spice', 'rdp', 'serial', 'mks'),
          ),
          type: must(words('novnc', 'xvpvnc', 'rdp-html5', 'spice-html5', 'serial')).becomes(
            '2.8',
            words('novnc', 'xvpvnc', 'rdp-html5', 'spice-html5', 'serial', 'webmks'),
          ),
        }),
      ),
    }),
  }),
  vnc: action(act, 'os-getVNCConsole', {
    policy: rules.remoteConsoles,
    until: '2.5',
    status: 200,
    body: consoleType('novnc', 'xvpvnc'),
  }),
  serial: action(act, 'os-getSerialConsole', {
    policy: rules.remoteConsoles,
    until: '2.5',
    status: 200,
    body: consoleType('serial'),
  }),
  output: action(act, 'os-getConsoleOutput', {
    policy: rules.consoleOutput,
    status: 200,
    body: nullable(
      object(
        {
          length: may(
            raw<number | null>({ type: ['integer', 'string', 'null'], pattern: '^-?[0-9]+$' }, value =>
              value === null ? null : Number(value),
            ),
          ),
        },
        { extra: true },
      ),
    ),
    bodyOptional: true,
  }),
}

export const serverMore = {
  diagnostics: get(`${server}/diagnostics`, { policy: rules.serverDiagnostics }),
  securityGroups: get(`${server}/os-security-groups`, { policy: rules.securityGroupsList }),
  addSecurityGroup: action(act, 'addSecurityGroup', {
    policy: rules.securityGroupsAdd,
    body: object({ name: must(text({ min: 1, max: 255 })) }),
  }),
  removeSecurityGroup: action(act, 'removeSecurityGroup', {
    policy: rules.securityGroupsRemove,
    body: object({ name: must(text({ min: 1, max: 255 })) }),
  }),
}

const wireEvents = ['network-changed', 'network-vif-plugged', 'network-vif-unplugged', 'network-vif-deleted'] as const
const eventName = must(words(...wireEvents))
  .becomes('2.51', words(...wireEvents, 'volume-extended'))
  .becomes('2.76', words(...wireEvents, 'volume-extended', 'power-update'))
  .becomes('2.82', words(...wireEvents, 'volume-extended', 'power-update', 'accelerator-request-bound'))
export const externalEvents = {
  create: post('/v2.1/os-server-external-events', {
    policy: rules.serverExternalEventsCreate,
    status: 200,
    body: object({
      events: must(
        list(
          object({
            name: eventName,
            server_uuid: must(uuid),
            status: may(words('failed', 'completed', 'in-progress')),
            tag: may(text({ max: 255 })),
          }),
          { min: 1 },
        ),
      ),
    }),
  }),
}

export const assistedSnapshots = {
  remove: del('/v2.1/os-assisted-volume-snapshots/{id}', {
    policy: rules.assistedVolumeSnapshotsDelete,
    query: object({ delete_info: may(repeated(text())) }, { extra: { refusedFrom: '2.75' } }),
    faults: [faults.BadRequest],
  }),
  create: post('/v2.1/os-assisted-volume-snapshots', {
    policy: rules.assistedVolumeSnapshotsCreate,
    status: 200,
    body: object({
      snapshot: must(
        object({
          volume_id: must(text({ min: 1 })),
          create_info: must(
            object(
              {
                snapshot_id: must(text({ min: 1 })),
                type: must(words('qcow2')),
                new_file: must(text({ min: 1 })),
                id: may(text()),
              },
              { extra: true },
            ),
          ),
        }),
      ),
    }),
  }),
}
