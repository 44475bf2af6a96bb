// Claims in Placement: one allocation set per server, written with consumer generations so that repeats change nothing.
import { Fault } from '#kernel/contract/fault.ts'
import { RemoteFault, type Transport } from '#kernel/http/client.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import type { Destination, RequestSpec } from '#services/nova/rpc.ts'

const AT = '1.39'

export interface PlacementNeighbour {
  claim(ctx: Ctx, spec: RequestSpec, destination: Destination, diskGb: number, userId: string): Promise<void>
  release(ctx: Ctx, consumerId: string): Promise<void>
  /** Makes the provider and replaces its inventory where it differs. */
  provide(
    ctx: Ctx,
    node: { id: string; hostname: string; vcpus: number; memoryMb: number; diskGb: number },
    ratios: { cpu: number; ram: number; disk: number; reservedMemoryMb: number },
  ): Promise<void>
  /** Consumers with allocations on a provider: for the audit. */
  allocationsOf(ctx: Ctx, providerId: string): Promise<Record<string, Record<string, number>>>
}

interface Allocations {
  readonly allocations: Readonly<Record<string, { resources: Readonly<Record<string, number>> }>>
  readonly consumer_generation?: number
}

/** `ctx` everywhere is nova's service account. Throws RemoteFault, and `HostFull` (409) when the host has no room by now. */
export function placementNeighbour(transport: Transport): PlacementNeighbour {
  const send = async (
    ctx: Ctx,
    method: string,
    template: string,
    path: string,
    body?: unknown,
  ): Promise<{ status: number; json: unknown }> => {
    const answer = await ctx.cross(
      {
        kind: 'rest',
        side: 'send',
        from: ctx.actor,
        to: transport.to,
        name: `${method} ${template}`,
        requestId: ctx.requestId,
        ...(ctx.subject === undefined ? {} : { subject: ctx.subject }),
      },
      () =>
        transport.send(ctx.actor, {
          method,
          path,
          query: '',
          headers: {
            'x-auth-token': ctx.who?.token ?? '',
            'x-openstack-request-id': ctx.requestId,
            'openstack-api-version': `placement ${AT}`,
            'content-type': 'application/json',
            accept: 'application/json',
          },
          body: body === undefined ? null : JSON.stringify(body),
        }),
    )
    const text = typeof answer.body === 'string' ? answer.body : ''
    return { status: answer.status, json: text === '' ? null : (JSON.parse(text) as unknown) }
  }
  const refuse = (status: number, json: unknown): RemoteFault => {
    const detail = (json as { errors?: { detail?: string }[] } | null)?.errors?.[0]?.detail ?? `status ${status}`
    return new RemoteFault(transport.to, status, detail)
  }
  return {
    async claim(ctx, spec, destination, diskGb, userId) {
      const path = `/allocations/${spec.serverId}`
      const resources: Record<string, number> = {
        VCPU: spec.flavor.vcpus,
        MEMORY_MB: spec.flavor.ramMb,
        ...(diskGb > 0 ? { DISK_GB: diskGb } : {}),
      }
      for (let attempt = 1; ; attempt++) {
        const now = await send(ctx, 'GET', '/allocations/{consumer_uuid}', path)
        if (now.status !== 200) throw refuse(now.status, now.json)
        const have = now.json as Allocations
        const put = await send(ctx, 'PUT', '/allocations/{consumer_uuid}', path, {
          allocations: { [destination.providerId]: { resources } },
          project_id: spec.projectId,
          user_id: userId,
          consumer_generation: have.consumer_generation ?? null,
          consumer_type: 'INSTANCE',
        })
        if (put.status === 204) return
        const code = (put.json as { errors?: { code?: string; detail?: string }[] } | null)?.errors?.[0]
        if (put.status === 409 && code?.code === 'placement.concurrent_update' && attempt < 10) continue
        if (put.status === 409)
          throw new Fault('HostFull', 409, `Host ${destination.host} has no room any more: ${code?.detail ?? ''}`)
        throw refuse(put.status, put.json)
      }
    },
    async release(ctx, consumerId) {
      const gone = await send(ctx, 'DELETE', '/allocations/{consumer_uuid}', `/allocations/${consumerId}`)
      if (gone.status !== 204 && gone.status !== 404) throw refuse(gone.status, gone.json)
    },
    async provide(ctx, node, ratios) {
      const path = `/resource_providers/${node.id}`
      const known = await send(ctx, 'GET', '/resource_providers/{uuid}', path)
      if (known.status === 404) {
        const made = await send(ctx, 'POST', '/resource_providers', '/resource_providers', {
          uuid: node.id,
          name: node.hostname,
        })
        if (made.status !== 200 && made.status !== 409) throw refuse(made.status, made.json)
      } else if (known.status !== 200) throw refuse(known.status, known.json)
      for (let attempt = 1; ; attempt++) {
        const now = await send(ctx, 'GET', '/resource_providers/{uuid}/inventories', `${path}/inventories`)
        if (now.status !== 200) throw refuse(now.status, now.json)
        const generation = (now.json as { resource_provider_generation: number }).resource_provider_generation
        const inventory = (total: number, ratio: number, reserved: number): object => ({
          total,
          reserved,
          min_unit: 1,
          max_unit: total,
          step_size: 1,
          allocation_ratio: ratio,
        })
        const put = await send(ctx, 'PUT', '/resource_providers/{uuid}/inventories', `${path}/inventories`, {
          resource_provider_generation: generation,
          inventories: {
            VCPU: inventory(node.vcpus, ratios.cpu, 0),
            MEMORY_MB: inventory(node.memoryMb, ratios.ram, Math.min(ratios.reservedMemoryMb, node.memoryMb)),
            ...(node.diskGb > 0 ? { DISK_GB: inventory(node.diskGb, ratios.disk, 0) } : {}),
          },
        })
        if (put.status === 200) return
        if (put.status === 409 && attempt < 5) continue
        throw refuse(put.status, put.json)
      }
    },
    async allocationsOf(ctx, providerId) {
      const got = await send(
        ctx,
        'GET',
        '/resource_providers/{uuid}/allocations',
        `/resource_providers/${providerId}/allocations`,
      )
      if (got.status === 404) return {}
      if (got.status !== 200) throw refuse(got.status, got.json)
      const { allocations } = got.json as { allocations: Record<string, { resources: Record<string, number> }> }
      return Object.fromEntries(Object.entries(allocations).map(([consumer, { resources }]) => [consumer, resources]))
    },
  }
}
