// Snapshots, backups, rebuilds, rescues and the shelf over HTTP: translate, never decide.
import { handlers, type HandlerTable } from '#kernel/http/handlers.ts'
import type { Presenter } from '#kernel/http/presenter.ts'
import { asUpdated } from '#services/nova/api/present-server.ts'
import { faults } from '#services/nova/contract/faults.ts'
import { serverImageActions } from '#services/nova/contract/server-images.ts'
import type { Server, ServerChange } from '#services/nova/db/servers.ts'
import type { ServerImagesDomain } from '#services/nova/domain/servers/images.ts'
import type { RebuildDomain } from '#services/nova/domain/servers/rebuild.ts'

export interface ServerImagesApi {
  readonly images: ServerImagesDomain
  readonly rebuild: RebuildDomain
  readonly present: Presenter<Server>
  /** The front door's own address: `http://127.0.0.1:8080`. */
  readonly frontDoor: (base: string) => string
}

const address = (value: string | null | undefined): string | null => (value === '' ? null : (value ?? null))

/** The answer to a rebuild: like that to an update until 2.75, with what a rebuild may change beside it. */
function asRebuilt(
  shown: Record<string, unknown>,
  at: number,
  more: { adminPass: string; userData: string | null },
): Record<string, unknown> {
  const { 'OS-EXT-SRV-ATTR:user_data': _hidden, ...server } = shown
  return {
    ...asUpdated(server, at),
    ...(at >= 2054 ? { key_name: shown['key_name'] } : {}),
    ...(at >= 2057 ? { user_data: more.userData } : {}),
    adminPass: more.adminPass,
  }
}

export function serverImageHandlers(api: ServerImagesApi): HandlerTable {
  const { images, rebuild } = api
  const imageAddress = (base: string, id: string): string => `${api.frontDoor(base)}/image/v2/images/${id}`
  return handlers(serverImageActions, {
    createImage: async call => {
      const { name, metadata = {} } = call.body
      const id = await images.createImage(call.ctx, call.params.id, { name, metadata, counted: call.at < 2039 })
      if (call.at >= 2045) return { image_id: id }
      call.header('location', imageAddress(call.base, id))
      return undefined
    },
    createBackup: async call => {
      const { name, metadata = {}, backup_type: kind, rotation: keep } = call.body
      const given = { name, metadata, kind, keep, counted: call.at < 2039 }
      const id = await images.createBackup(call.ctx, call.params.id, given)
      if (call.at >= 2045) return { image_id: id }
      if (keep > 0) call.header('location', imageAddress(call.base, id))
      return undefined
    },
    rebuild: async call => {
      const given = call.body
      const change: ServerChange = {
        ...(given.name === undefined ? {} : { name: given.name.trim() }),
        ...(given.description === undefined ? {} : { description: given.description }),
        ...(given.hostname === undefined ? {} : { hostname: given.hostname }),
        ...(given['OS-DCF:diskConfig'] === undefined ? {} : { autoDiskConfig: given['OS-DCF:diskConfig'] === 'AUTO' }),
        ...(given.user_data === undefined ? {} : { userData: given.user_data }),
        ...(given.accessIPv4 === undefined ? {} : { accessIpV4: address(given.accessIPv4) }),
        ...(given.accessIPv6 === undefined ? {} : { accessIpV6: address(given.accessIPv6) }),
      }
      const { server, adminPass } = await rebuild.rebuild(call.ctx, call.params.id, {
        imageRef: given.imageRef,
        change,
        metadata: given.metadata,
        keyName: given.key_name,
        trustedCerts: given.trusted_image_certificates,
        keepEphemeral: given.preserve_ephemeral === true,
        adminPass: given.adminPass,
        reimage: call.has('reimage'),
        files: (given.personality ?? []).map(({ path, contents }) => ({ path, contents })),
      })
      call.header('location', `${call.base}/v2.1/servers/${server.id}`)
      const shown = await call.show(api.present, server)
      return { server: asRebuilt(shown, call.at, { adminPass, userData: server.userData }) }
    },
    rescue: async call => ({
      adminPass: await rebuild.rescue(call.ctx, call.params.id, {
        imageRef: address(call.body?.rescue_image_ref),
        adminPass: call.body?.adminPass,
        onVolume: call.has('onVolume'),
      }),
    }),
    unrescue: async call => rebuild.unrescue(call.ctx, call.params.id),
    shelve: async call => images.shelve(call.ctx, call.params.id),
    shelveOffload: async call => images.shelveOffload(call.ctx, call.params.id),
    unshelve: async call => {
      const { body } = call
      if (
        call.at >= 2077 &&
        call.at < 2091 &&
        body !== null &&
        body !== undefined &&
        body.availability_zone === undefined
      )
        throw faults.BadRequest({
          reason: "Invalid input for field/attribute unshelve. Value: {}. 'availability_zone' is a required property",
        })
      await images.unshelve(call.ctx, call.params.id, {
        zone: body?.availability_zone,
        host: body?.host ?? null,
      })
    },
  })
}
