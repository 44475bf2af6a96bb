// Identity providers, their protocols, mappings and service providers as data; and how proving oneself by them ends here.
import type { Rule } from '#kernel/contract/rule.ts'
import { isDuplicate } from '#kernel/db/errors.ts'
import type { Ctx } from '#kernel/lib/context.ts'
import { faults } from '#services/keystone/contract/faults.ts'
import { rules } from '#services/keystone/contract/rules.ts'
import * as db from '#services/keystone/db/federation.ts'
import type { Query } from '#services/keystone/db/ledger.ts'
import { findProject, insertProject } from '#services/keystone/db/projects.ts'
import { DEFAULT_SCHEMA, readRules } from '#services/keystone/domain/mapping-rules.ts'
import { enforce, type DomainTools } from '#services/keystone/domain/tools.ts'

export interface ProviderWish {
  readonly enabled?: boolean | undefined
  readonly description?: string | null | undefined
  readonly authorization_ttl?: number | null | undefined
  readonly remote_ids?: readonly string[] | null | undefined
  readonly domain_id?: string | null | undefined
}
export interface ProtocolWish {
  readonly mapping_id: string
  readonly remote_id_attribute?: string | null | undefined
}
export interface ServiceProviderWish {
  readonly auth_url?: string | undefined
  readonly sp_url?: string | undefined
  readonly description?: string | null | undefined
  readonly enabled?: boolean | undefined
  readonly relay_state_prefix?: string | null | undefined
}
/** What Keystone puts before RelayState unless told otherwise. */
const RELAY_PREFIX = 'ss:mem:'

export const createFederation = (tools: DomainTools) => {
  const { ledger, ids } = tools
  const ask = (ctx: Ctx, rule: Rule): void => enforce(tools, ctx, rule, {})
  const provider = async (q: Query, id: string): Promise<db.IdentityProvider> => {
    const found = await db.findProvider(q, id)
    if (found === null) throw faults.IdentityProviderNotFound({ id })
    return found
  }
  const protocol = async (q: Query, idpId: string, id: string): Promise<db.Protocol> => {
    const found = await db.findProtocol(q, idpId, id)
    if (found === null) throw faults.ProtocolNotFound({ id, idpId })
    return found
  }
  const mapping = async (q: Query, id: string): Promise<db.Mapping> => {
    const found = await db.findMapping(q, id)
    if (found === null) throw faults.MappingNotFound({ id })
    return found
  }
  const serviceProvider = async (q: Query, id: string): Promise<db.ServiceProvider> => {
    const found = await db.findServiceProvider(q, id)
    if (found === null) throw faults.ServiceProviderNotFound({ id })
    return found
  }
  const once = async <T>(type: string, id: string, write: () => Promise<T>): Promise<T> => {
    if (id.length > 64) throw faults.ValidationError({ detail: `'${id.slice(0, 80)}' is too long` })
    try {
      return await write()
    } catch (error) {
      if (!isDuplicate(error)) throw error
      throw faults.Conflict({ type, details: `Duplicate entry found with ID ${id}` }, { cause: error })
    }
  }
  const demandFreeRemoteIds = async (q: Query, id: string, remoteIds: readonly string[]): Promise<void> => {
    const [taken] = await db.takenRemoteIds(q, remoteIds, id)
    if (taken !== undefined)
      throw faults.Conflict({ type: 'identity_provider', details: `Duplicate remote ID: ${taken}` })
  }
  /** The domain of a provider's people: the one named, or one made for it. */
  const domainFor = async (q: Query, id: string, wanted: string | null): Promise<string> => {
    if (wanted !== null) {
      const found = await findProject(q, wanted)
      if (found === null || !found.isDomain) throw faults.DomainNotFound({ id: wanted })
      return wanted
    }
    const domainId = ids.hex()
    await insertProject(q, {
      id: domainId,
      domainId: null,
      parentId: null,
      name: domainId,
      isDomain: true,
      enabled: true,
      description: `Auto generated federated domain for Identity Provider: ${id}`,
      options: {},
      extra: {},
    })
    return domainId
  }
  const demandMapping = async (q: Query, id: string): Promise<void> => {
    if ((await db.findMapping(q, id)) === null) throw faults.ValidationError({ detail: `Invalid mapping id: ${id}` })
  }
  const readMapping = (id: string, given: { rules?: unknown; schema_version?: string | undefined }): db.Mapping => {
    const schemaVersion = given.schema_version ?? DEFAULT_SCHEMA
    return { id, rules: readRules(given.rules, schemaVersion), schemaVersion }
  }

  return {
    listProviders: (ctx: Ctx): Promise<db.IdentityProvider[]> => {
      ask(ctx, rules.listIdentityProviders)
      return ledger.read(ctx, 'list-identity-providers', db.listProviders)
    },
    showProvider: (ctx: Ctx, id: string): Promise<db.IdentityProvider> => {
      ask(ctx, rules.getIdentityProvider)
      return ledger.read(ctx, 'find-identity-provider', q => provider(q, id))
    },
    createProvider(ctx: Ctx, id: string, wish: ProviderWish): Promise<db.IdentityProvider> {
      ask(ctx, rules.createIdentityProvider)
      return once('identity_provider', id, () =>
        ledger.write(ctx, 'create-identity-provider', async q => {
          const remoteIds = wish.remote_ids ?? []
          await demandFreeRemoteIds(q, id, remoteIds)
          if ((await db.findProvider(q, id)) !== null)
            throw faults.Conflict({ type: 'identity_provider', details: `Duplicate entry found with ID ${id}` })
          const made: db.IdentityProvider = {
            id,
            domainId: await domainFor(q, id, wish.domain_id ?? null),
            enabled: wish.enabled ?? false,
            description: wish.description ?? null,
            authorizationTtl: wish.authorization_ttl ?? null,
            remoteIds,
          }
          await db.insertProvider(q, made)
          return made
        }),
      )
    },
    updateProvider(ctx: Ctx, id: string, wish: ProviderWish): Promise<db.IdentityProvider> {
      ask(ctx, rules.updateIdentityProvider)
      return ledger.write(ctx, 'update-identity-provider', async q => {
        const old = await provider(q, id)
        const remoteIds = wish.remote_ids === undefined ? old.remoteIds : (wish.remote_ids ?? [])
        await demandFreeRemoteIds(q, id, remoteIds)
        const next: db.IdentityProvider = {
          ...old,
          enabled: wish.enabled ?? old.enabled,
          description: wish.description === undefined ? old.description : wish.description,
          authorizationTtl: wish.authorization_ttl === undefined ? old.authorizationTtl : wish.authorization_ttl,
          remoteIds,
        }
        await db.updateProvider(q, next)
        return next
      })
    },
    async removeProvider(ctx: Ctx, id: string): Promise<void> {
      ask(ctx, rules.deleteIdentityProvider)
      await ledger.write(ctx, 'remove-identity-provider', async q => {
        await provider(q, id)
        await db.removeProvider(q, id)
      })
    },

    listProtocols: (ctx: Ctx, idpId: string): Promise<db.Protocol[]> => {
      ask(ctx, rules.listProtocols)
      return ledger.read(ctx, 'list-protocols', async q => {
        await provider(q, idpId)
        return db.listProtocols(q, idpId)
      })
    },
    showProtocol: (ctx: Ctx, idpId: string, id: string): Promise<db.Protocol> => {
      ask(ctx, rules.getProtocol)
      return ledger.read(ctx, 'find-protocol', q => protocol(q, idpId, id))
    },
    createProtocol(ctx: Ctx, idpId: string, id: string, wish: ProtocolWish): Promise<db.Protocol> {
      ask(ctx, rules.createProtocol)
      return once('federation_protocol', id, () =>
        ledger.write(ctx, 'create-protocol', async q => {
          await provider(q, idpId)
          await demandMapping(q, wish.mapping_id)
          const made: db.Protocol = {
            idpId,
            id,
            mappingId: wish.mapping_id,
            remoteIdAttribute: wish.remote_id_attribute ?? null,
          }
          await db.insertProtocol(q, made)
          return made
        }),
      )
    },
    updateProtocol(ctx: Ctx, idpId: string, id: string, wish: ProtocolWish): Promise<db.Protocol> {
      ask(ctx, rules.updateProtocol)
      return ledger.write(ctx, 'update-protocol', async q => {
        const old = await protocol(q, idpId, id)
        await demandMapping(q, wish.mapping_id)
        const next: db.Protocol = {
          ...old,
          mappingId: wish.mapping_id,
          remoteIdAttribute: wish.remote_id_attribute === undefined ? old.remoteIdAttribute : wish.remote_id_attribute,
        }
        await db.updateProtocol(q, next)
        return next
      })
    },
    async removeProtocol(ctx: Ctx, idpId: string, id: string): Promise<void> {
      ask(ctx, rules.deleteProtocol)
      await ledger.write(ctx, 'remove-protocol', async q => {
        await protocol(q, idpId, id)
        await db.removeProtocol(q, idpId, id)
      })
    },

    listMappings: (ctx: Ctx): Promise<db.Mapping[]> => {
      ask(ctx, rules.listMappings)
      return ledger.read(ctx, 'list-mappings', db.listMappings)
    },
    showMapping: (ctx: Ctx, id: string): Promise<db.Mapping> => {
      ask(ctx, rules.getMapping)
      return ledger.read(ctx, 'find-mapping', q => mapping(q, id))
    },
    createMapping(
      ctx: Ctx,
      id: string,
      given: { rules?: unknown; schema_version?: string | undefined },
    ): Promise<db.Mapping> {
      ask(ctx, rules.createMapping)
      const made = readMapping(id, given)
      return once('mapping', id, () =>
        ledger.write(ctx, 'create-mapping', async q => {
          await db.insertMapping(q, made)
          return made
        }),
      )
    },
    updateMapping(
      ctx: Ctx,
      id: string,
      given: { rules?: unknown; schema_version?: string | undefined },
    ): Promise<db.Mapping> {
      ask(ctx, rules.updateMapping)
      const next = readMapping(id, given)
      return ledger.write(ctx, 'update-mapping', async q => {
        await mapping(q, id)
        await db.updateMapping(q, next)
        return next
      })
    },
    async removeMapping(ctx: Ctx, id: string): Promise<void> {
      ask(ctx, rules.deleteMapping)
      await ledger.write(ctx, 'remove-mapping', async q => {
        await mapping(q, id)
        await db.removeMapping(q, id)
      })
    },

    listServiceProviders: (ctx: Ctx): Promise<db.ServiceProvider[]> => {
      ask(ctx, rules.listServiceProviders)
      return ledger.read(ctx, 'list-service-providers', db.listServiceProviders)
    },
    showServiceProvider: (ctx: Ctx, id: string): Promise<db.ServiceProvider> => {
      ask(ctx, rules.getServiceProvider)
      return ledger.read(ctx, 'find-service-provider', q => serviceProvider(q, id))
    },
    createServiceProvider(ctx: Ctx, id: string, wish: ServiceProviderWish): Promise<db.ServiceProvider> {
      ask(ctx, rules.createServiceProvider)
      return once('service_provider', id, () =>
        ledger.write(ctx, 'create-service-provider', async q => {
          const made: db.ServiceProvider = {
            id,
            enabled: wish.enabled ?? false,
            description: wish.description ?? null,
            authUrl: wish.auth_url ?? '',
            spUrl: wish.sp_url ?? '',
            relayStatePrefix: wish.relay_state_prefix ?? RELAY_PREFIX,
          }
          await db.insertServiceProvider(q, made)
          return made
        }),
      )
    },
    updateServiceProvider(ctx: Ctx, id: string, wish: ServiceProviderWish): Promise<db.ServiceProvider> {
      ask(ctx, rules.updateServiceProvider)
      return ledger.write(ctx, 'update-service-provider', async q => {
        const old = await serviceProvider(q, id)
        const next: db.ServiceProvider = {
          ...old,
          enabled: wish.enabled ?? old.enabled,
          description: wish.description === undefined ? old.description : wish.description,
          authUrl: wish.auth_url ?? old.authUrl,
          spUrl: wish.sp_url ?? old.spUrl,
          relayStatePrefix: wish.relay_state_prefix ?? old.relayStatePrefix,
        }
        await db.updateServiceProvider(q, next)
        return next
      })
    },
    async removeServiceProvider(ctx: Ctx, id: string): Promise<void> {
      ask(ctx, rules.deleteServiceProvider)
      await ledger.write(ctx, 'remove-service-provider', async q => {
        await serviceProvider(q, id)
        await db.removeServiceProvider(q, id)
      })
    },

    /** The web server has no module that would have proved anybody, so nobody ever is. Throws 401, 403 or 404. */
    async authenticate(ctx: Ctx, idpId: string, protocolId: string): Promise<never> {
      const idp = await ledger.read(ctx, 'find-protocol', async q => {
        await protocol(q, (await provider(q, idpId)).id, protocolId)
        return provider(q, idpId)
      })
      if (!idp.enabled) throw faults.Denied({ reason: `Identity Provider ${idpId} is disabled` })
      throw faults.Unproved({ reason: 'Missing entity ID from environment' })
    },
  }
}
export type Federation = ReturnType<typeof createFederation>
