// Services over HTTP.
import { handlers, type HandlerTable } from '#kernel/http/handlers.ts'
import { presenter } from '#kernel/http/presenter.ts'
import { isoMicros } from '#kernel/lib/clock.ts'
import { faults } from '#services/nova/contract/faults.ts'
import { services, ServiceView } from '#services/nova/contract/services.ts'
import type { ServiceState, Services } from '#services/nova/domain/services.ts'

const whole = presenter<ServiceState>()(ServiceView, {
  id: ({ service }, _loaded, view) => (view.at >= 2053 ? service.id : service.serial),
  binary: ({ service }) => service.binary,
  host: ({ service }) => service.host,
  zone: ({ zone }) => zone,
  status: ({ service }) => (service.disabled ? 'disabled' : 'enabled'),
  state: ({ up }) => (up ? 'up' : 'down'),
  updated_at: ({ service }) => {
    const at = service.lastSeenAt ?? service.updatedAt
    return at === null ? null : isoMicros(at)
  },
  disabled_reason: ({ service }) => service.disabledReason,
  forced_down: ({ service }) => service.forcedDown,
})

export const serviceHandlers = (domain: Services): HandlerTable =>
  handlers(services, {
    list: async call => {
      const { host, binary } = call.query
      const found = await domain.list(call.ctx, host?.at(-1) ?? '', binary?.at(-1) ?? '')
      return { services: await call.list(whole, found) }
    },
    act: async call => {
      const { host, binary, disabled_reason: reason, forced_down: forcedDown } = call.body
      const word = call.params.id
      if (word === 'force-down' && call.has('forceDown')) {
        if (forcedDown === undefined) throw faults.BadRequest({ reason: 'Missing forced_down field' })
        await domain.changeAt(call.ctx, host, binary, { forcedDown })
        return { service: { host, binary, forced_down: forcedDown } }
      }
      if (!['enable', 'disable', 'disable-log-reason'].includes(word))
        throw faults.NotFound({ reason: 'Unknown action' })
      if (word === 'disable-log-reason' && reason === undefined)
        throw faults.BadRequest({ reason: 'Missing disabled reason field' })
      const disabled = word !== 'enable'
      const disabledReason = word === 'disable-log-reason' ? (reason ?? null) : null
      await domain.changeAt(call.ctx, host, binary, { disabled, disabledReason })
      const status = disabled ? 'disabled' : 'enabled'
      return {
        service: { host, binary, status, ...(disabledReason === null ? {} : { disabled_reason: disabledReason }) },
      }
    },
    update: async call => {
      const { status, disabled_reason: reason, forced_down: forcedDown } = call.body
      const after = await domain.change(call.ctx, call.params.id, {
        ...(status === undefined ? {} : { disabled: status === 'disabled' }),
        ...(reason === undefined ? {} : { disabledReason: reason }),
        ...(forcedDown === undefined ? {} : { forcedDown }),
      })
      return { service: await call.show(whole, after) }
    },
    remove: call => domain.remove(call.ctx, call.params.id, call.at >= 2053),
  })
