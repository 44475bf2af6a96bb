// QoS specs, encryption of types and default types over HTTP.
import { isoMicros } from '#kernel/lib/clock.ts'
import { handlers, type HandlerTable } from '#kernel/http/handlers.ts'
import { faults } from '#services/cinder/contract/faults.ts'
import { groupFaults } from '#services/cinder/contract/group-faults.ts'
import { defaultTypes, qosSpecs, typeEncryption, volumeEncryption } from '#services/cinder/contract/qos.ts'
import { rules } from '#services/cinder/contract/rules.ts'
import type { QosSpecs } from '#services/cinder/db/qos.ts'
import type { DefaultType, TypeEncryption } from '#services/cinder/db/type-extras.ts'
import { boolOf, lastOf, linksOf, listRequest, pageLinks } from '#services/cinder/api/listing.ts'
import type { QosDomain } from '#services/cinder/domain/qos.ts'
import type { DefaultTypesDomain, TypeEncryptionDomain } from '#services/cinder/domain/type-extras.ts'
import type { VolumesDomain } from '#services/cinder/domain/volumes/volumes.ts'

const view = (qos: QosSpecs): object => ({
  id: qos.id,
  name: qos.name,
  consumer: qos.consumer,
  specs: { ...qos.specs },
})
const wholeView = (qos: QosSpecs, base: string): object => ({
  qos_specs: view(qos),
  links: linksOf(base, 'qos-specs', qos.id),
})
const typeIn = (query: unknown): string => {
  const id = lastOf(query)['vol_type_id']
  if (id === undefined || id === '') throw faults.BadRequest({ reason: 'Volume Type id must not be None.' })
  return id
}

const encryptionView = (e: TypeEncryption): Record<string, unknown> => ({
  volume_type_id: e.typeId,
  encryption_id: e.id,
  provider: e.provider,
  control_location: e.controlLocation,
  cipher: e.cipher,
  key_size: e.keySize,
  created_at: isoMicros(e.createdAt),
  updated_at: e.updatedAt === null ? null : isoMicros(e.updatedAt),
  deleted: false,
  deleted_at: null,
})
const defaultView = (one: DefaultType): object => ({ project_id: one.projectId, volume_type_id: one.typeId })

export function qosHandlers(api: {
  qos: QosDomain
  encryption: TypeEncryptionDomain
  defaults: DefaultTypesDomain
  volumes: VolumesDomain
  maxLimit: number
}): HandlerTable[] {
  const { qos, encryption, defaults } = api
  return [
    handlers(qosSpecs, {
      list: async call => {
        const { page, more } = await qos.list(call.ctx, listRequest(call, api.maxLimit))
        return { qos_specs: page.map(view), ...pageLinks(call, 'qos_specs', more, page.at(-1)?.id) }
      },
      create: async call => {
        const { name, ...specs } = call.body.qos_specs
        return wholeView(await qos.create(call.ctx, name.trim(), specs), call.base)
      },
      show: async call => wholeView(await qos.find(call.ctx, call.params.id), call.base),
      update: async call => {
        await qos.update(call.ctx, call.params.id, call.body.qos_specs)
        return call.body
      },
      remove: call => qos.remove(call.ctx, call.params.id, boolOf(lastOf(call.query), 'force')),
      deleteKeys: call => qos.dropKeys(call.ctx, call.params.id, call.body.keys),
      associations: async call => ({
        qos_associations: (await qos.associations(call.ctx, call.params.id)).map(type => ({
          association_type: 'volume_type',
          name: type.name,
          id: type.id,
        })),
      }),
      associate: call => qos.associate(call.ctx, call.params.id, typeIn(call.query)),
      disassociate: call => qos.disassociate(call.ctx, call.params.id, typeIn(call.query)),
      disassociateAll: call => qos.disassociate(call.ctx, call.params.id, null),
    }),
    handlers(typeEncryption, {
      list: async call => {
        const found = await encryption.ofType(call.ctx, call.params.type_id)
        return found === undefined ? {} : encryptionView(found)
      },
      create: async call => {
        const given = call.body.encryption
        const id = await encryption.create(call.ctx, call.params.type_id, {
          provider: given.provider,
          controlLocation: given.control_location,
          cipher: given.cipher ?? null,
          keySize: given.key_size ?? null,
        })
        return { encryption: { ...given, volume_type_id: call.params.type_id, encryption_id: id } }
      },
      show: async call => {
        const found = await encryption.ofType(call.ctx, call.params.type_id)
        const { type_id, key } = call.params
        const shown: Record<string, unknown> = found === undefined ? {} : encryptionView(found)
        if (!Object.hasOwn(shown, key)) throw groupFaults.TypeEncryptionNotFound({ id: type_id })
        return { [key]: shown[key] }
      },
      update: async call => {
        const { key_size, provider, control_location, cipher } = call.body.encryption
        await encryption.update(call.ctx, call.params.type_id, {
          ...(provider === undefined ? {} : { provider }),
          ...(control_location === undefined ? {} : { controlLocation: control_location }),
          ...(cipher === undefined ? {} : { cipher }),
          ...(key_size === undefined ? {} : { keySize: key_size }),
        })
        return call.body
      },
      remove: call => encryption.remove(call.ctx, call.params.type_id),
    }),
    handlers(volumeEncryption, {
      // No volume is encrypted here: creating one of an encrypted type is refused.
      list: async call => {
        await api.volumes.find(call.ctx, call.params.volume_id, rules.volumeEncryptionMetadata)
        return { encryption_key_id: null }
      },
      show: async call => {
        await api.volumes.find(call.ctx, call.params.volume_id, rules.volumeEncryptionMetadata)
        if (call.params.key !== 'encryption_key_id') throw faults.NotFound()
        return 'null'
      },
    }),
    handlers(defaultTypes, {
      list: async call => ({ default_types: (await defaults.list(call.ctx)).map(defaultView) }),
      show: async call => ({ default_type: defaultView(await defaults.show(call.ctx, call.params.project_id)) }),
      set: async call => ({
        default_type: defaultView(
          await defaults.set(call.ctx, call.params.project_id, call.body.default_type.volume_type),
        ),
      }),
      unset: call => defaults.unset(call.ctx, call.params.project_id),
    }),
  ]
}
