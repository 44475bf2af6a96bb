// Hand-overs of volumes over HTTP, under both of their paths.
import { isoMicros } from '#kernel/lib/clock.ts'
import type { Static } from '#kernel/contract/shape.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { handlers, type Call, type HandlerTable } from '#kernel/http/handlers.ts'
import { presenter, type Rows } from '#kernel/http/presenter.ts'
import {
  TransferBrief,
  TransferMade,
  transfers,
  TransferView,
  volumeTransfers,
} from '#services/cinder/contract/transfers.ts'
import type { Transfer } from '#services/cinder/db/transfers.ts'
import { linksOf, listRequest, pageLinks } from '#services/cinder/api/listing.ts'
import type { TransfersDomain } from '#services/cinder/domain/transfers.ts'

type Shown = Transfer & { readonly key?: string }
const NAME = 'os-volume-transfer'

const briefRows: Rows<Shown, object, Static<typeof TransferBrief>> = {
  id: t => t.id,
  volume_id: t => t.volumeId,
  name: t => t.name,
  links: (t, _loaded, view) => linksOf(view.base, NAME, t.id),
}
const wholeRows: Rows<Shown, object, Static<typeof TransferView>> = {
  ...briefRows,
  created_at: t => isoMicros(t.createdAt),
  no_snapshots: t => t.noSnapshots,
  destination_project_id: () => null,
  source_project_id: t => t.sourceProjectId,
  accepted: () => false,
}
const brief = presenter<Shown, object>()(TransferBrief, briefRows)
const shown = presenter<Shown, object>()(TransferView, wholeRows)
const made = presenter<Shown, object>()(TransferMade, { ...wholeRows, auth_key: t => t.key ?? '' })

export function transferHandlers(api: { domain: TransfersDomain; maxLimit: number }): HandlerTable[] {
  const { domain, maxLimit } = api
  type ListCall = Pick<Call, 'query' | 'at' | 'base' | 'path' | 'rawQuery' | 'ctx' | 'has' | 'list'>
  const list = async (call: ListCall, present: typeof brief): Promise<object> => {
    const request = listRequest(call, maxLimit)
    const { transfers: found, more } = await domain.list(
      call.ctx,
      // compat: before paging the oldest came first and no marker was looked at
      call.has('paging') ? request : { ...request, marker: null, sort: [{ key: 'created_at', direction: 'asc' }] },
    )
    return { transfers: await call.list(present, found), ...pageLinks(call, 'transfers', more, found.at(-1)?.id) }
  }
  const offer = async (
    ctx: Ctx,
    wish: { volume_id: string; name?: string | null; no_snapshots?: boolean },
  ): Promise<Shown> => {
    const { transfer, key } = await domain.create(ctx, {
      volumeId: wish.volume_id,
      name: wish.name ?? null,
      noSnapshots: wish.no_snapshots === true,
    })
    return { ...transfer, key }
  }
  return [
    handlers(transfers, {
      list: call => list(call as ListCall, brief),
      detail: call => list(call as ListCall, shown),
      show: async call => ({ transfer: await call.show(shown, await domain.find(call.ctx, call.params.id)) }),
      create: async call => ({ transfer: await call.show(made, await offer(call.ctx, call.body.transfer)) }),
      accept: async call => ({
        transfer: await call.show(brief, await domain.accept(call.ctx, call.params.id, call.body.accept.auth_key)),
      }),
      remove: call => domain.remove(call.ctx, call.params.id),
    }),
    handlers(volumeTransfers, {
      list: call => list(call as ListCall, brief),
      detail: call => list(call as ListCall, shown),
      show: async call => ({ transfer: await call.show(shown, await domain.find(call.ctx, call.params.id)) }),
      create: async call => ({ transfer: await call.show(made, await offer(call.ctx, call.body.transfer)) }),
      accept: async call => ({
        transfer: await call.show(brief, await domain.accept(call.ctx, call.params.id, call.body.accept.auth_key)),
      }),
      remove: call => domain.remove(call.ctx, call.params.id),
    }),
  ]
}
