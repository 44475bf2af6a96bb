// A wire for a server that exists, and its removal.
import { saga } from '#kernel/saga/saga.ts'
import type { NicRecord, RequestedNic } from '#services/nova/sagas/wires.ts'
import type { Tools } from '#services/nova/sagas/tools.ts'

export interface AttachInterface {
  readonly serverId: string
  readonly host: string
  readonly wanted: RequestedNic
}

export const attachInterface = saga<Tools>()<AttachInterface, 'conductor'>('attach-interface', {
  subject: s => `${s.serverId}/interfaces`,
  home: 'conductor',
  failed: async (s, t, ending) =>
    t.servers.event(
      s.serverId,
      ending.run.ctx.requestId,
      'compute_attach_interface',
      s.host,
      ending.errors.at(-1) ?? null,
    ),
})
  .step('allocate', {
    at: 'compute',
    onHost: s => s.host,
    do: async (s, t) => ({
      nic: await t.neutron.allocateOne(await t.conductor.serverToBuild(s.serverId), s.host, s.wanted),
    }),
    undo: async (s, t) => {
      if (s.nic !== undefined) await t.neutron.releaseOne(s.serverId, s.nic)
    },
  })
  .step('plug', {
    at: 'compute',
    onHost: s => s.host,
    do: (s, t) => t.hypervisor.attachNic(s.serverId, s.nic),
    undo: (s, t) => t.hypervisor.detachNic(s.serverId, s.nic.portId),
  })
  .step('record', {
    at: 'conductor',
    do: async (s, t, run) => {
      const others = (await t.servers.nicsOf(s.serverId)).filter(nic => nic.portId !== s.nic.portId)
      await t.servers.saveNics(s.serverId, [...others, s.nic])
      await t.servers.event(s.serverId, run.ctx.requestId, 'compute_attach_interface', s.host, null)
    },
  })

export interface DetachInterface {
  readonly serverId: string
  readonly host: string
  readonly nic: NicRecord
}

export const detachInterface = saga<Tools>()<DetachInterface, 'conductor'>('detach-interface', {
  subject: s => `${s.serverId}/${s.nic.portId}`,
  home: 'conductor',
  failed: async (s, t, ending) =>
    t.servers.event(
      s.serverId,
      ending.run.ctx.requestId,
      'compute_detach_interface',
      s.host,
      ending.errors.at(-1) ?? null,
    ),
})
  .step('unplug', {
    at: 'compute',
    onHost: s => s.host,
    do: (s, t) => t.hypervisor.detachNic(s.serverId, s.nic.portId),
  })
  .step('release', {
    at: 'conductor',
    do: (s, t) => t.neutron.releaseOne(s.serverId, s.nic),
  })
  .step('forget', {
    at: 'conductor',
    do: async (s, t, run) => {
      await t.servers.forgetNic(s.serverId, s.nic.portId)
      await t.servers.event(s.serverId, run.ctx.requestId, 'compute_detach_interface', s.host, null)
    },
  })
