// Traits on the wire.
import { handlers, type HandlerTable } from '#kernel/http/handlers.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import { dated, located } from '#services/placement/api/headers.ts'
import { faults } from '#services/placement/contract/faults.ts'
import { providerTraits, traits } from '#services/placement/contract/traits.ts'
import type { ProviderTraits, TraitFilter, Traits } from '#services/placement/domain/traits.ts'

const CUSTOM = /^CUSTOM_[A-Z0-9_]{1,248}$/

/** `in:A,B` or `startswith:PREFIX`. Throws BadParameter (400). */
function nameFilter(text: string | undefined): TraitFilter {
  if (text === undefined) return {}
  const colon = text.indexOf(':')
  if (colon < 0)
    throw faults.BadParameter({
      detail: `Badly formatted name parameter. Expected name query string parameter in form: ?name=[in|startswith]:[name1,name2|prefix]. Got: "${text}"`,
    })
  const value = text.slice(colon + 1)
  const operator = text.slice(0, colon)
  return operator === 'in' ? { names: value.split(',') } : operator === 'startswith' ? { prefix: value } : {}
}
/** Throws BadParameter (400). */
function associatedFilter(text: string | undefined): TraitFilter {
  if (text === undefined) return {}
  const word = text.toLowerCase()
  if (word !== 'true' && word !== 'false')
    throw faults.BadParameter({ detail: 'The query parameter "associated" only accepts "true" or "false"' })
  return { associated: word === 'true' }
}

const presentProviderTraits = (of: ProviderTraits) => ({
  traits: of.traits.map(trait => trait.name),
  resource_provider_generation: of.provider.generation,
})

export const traitHandlers = (tools: { readonly traits: Traits; readonly clock: Clock }): readonly HandlerTable[] => {
  const { clock } = tools
  const domain = tools.traits
  return [
    handlers(traits, {
      list: async call => {
        const { name, associated } = call.query
        const found = await domain.list(call.ctx, { ...nameFilter(name), ...associatedFilter(associated) })
        dated(
          call,
          clock,
          found.map(trait => trait.since),
        )
        return { traits: found.map(trait => trait.name) }
      },
      show: async call => {
        const found = await domain.find(call.ctx, call.params.name)
        dated(call, clock, [found.since])
      },
      ensure: async call => {
        const { name } = call.params
        if (!CUSTOM.test(name)) throw faults.BadTrait()
        const trait = await domain.ensure(call.ctx, name)
        if (trait.made) call.status(201)
        located(call, `/traits/${name}`)
        dated(call, clock, [trait.since])
      },
      delete: call => domain.remove(call.ctx, call.params.name),
    }),
    handlers(providerTraits, {
      list: async call => {
        const found = await domain.ofProvider(call.ctx, call.params.uuid)
        dated(
          call,
          clock,
          found.traits.map(trait => trait.since),
        )
        return presentProviderTraits(found)
      },
      set: async call => {
        const { traits: names, resource_provider_generation: generation } = call.body
        const now = await domain.setOfProvider(call.ctx, call.params.uuid, names, generation)
        dated(
          call,
          clock,
          now.traits.map(trait => trait.since),
        )
        return presentProviderTraits(now)
      },
      clear: call => domain.clearOfProvider(call.ctx, call.params.uuid),
    }),
  ]
}
