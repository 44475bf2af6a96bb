// The only file that knows all services: plain function calls in order. A cloud is a value; two of them live in one process.
import { fileURLToPath } from 'node:url'
import { existsSync } from 'node:fs'
import path from 'node:path'

import { createFrontDoor, type Mount } from '#host/node/front-door.ts'
import { createExec } from '#host/node/exec.ts'
import { createFernet, fileKeys, memoryKeys } from '#host/node/fernet.ts'
import { createOutbound } from '#host/node/outbound.ts'
import { createPasswords } from '#host/node/password.ts'
import { authenticateBy } from '#kernel/http/authenticate.ts'
import type { Handle } from '#kernel/http/call.ts'
import { inProcess, type Transport } from '#kernel/http/client.ts'
import { createServiceIdentity, type ServiceIdentity } from '#kernel/http/service-identity.ts'
import type { Cross } from '#kernel/crossing/crossing.ts'
import type { ServiceDefinition } from '#kernel/http/service.ts'
import { reconciling } from '#kernel/reconciler/reconciler.ts'
import { volumeBackend } from '#main/volume-backend.ts'
import type { Routes } from '#kernel/contract/route.ts'
import type { Audit } from '#kernel/lib/violation.ts'
import { consoleDoor } from '#main/console-door.ts'
import { findMachine, hostAddress, reachableHost, hostName, md5, sha224, sha256, type Machine } from '#main/hosts.ts'
import { kotoApi } from '#main/koto-api.ts'
import { createPlatform, unavailableWords, type Platform } from '#main/platform.ts'
import { kotoConfig } from '#main/options.ts'
import { createRefusals, type Refusals } from '#main/refusals.ts'
import type { StartOptions } from '#main/control/control.ts'
import { keystoneConfig } from '#services/keystone/config.ts'
import { migrations as keystoneMigrations } from '#services/keystone/db/migrations/list.ts'
import { createKeystone, definition as keystone } from '#services/keystone/service.ts'
import { glanceConfig } from '#services/glance/config.ts'
import { migrations as glanceMigrations } from '#services/glance/db/tables.ts'
import { keystoneQuotas } from '#services/glance/domain/quotas.ts'
import { createFileCache } from '#services/glance/drivers/cache-file/cache-file.ts'
import { createFileStore } from '#services/glance/drivers/store-file/store-file.ts'
import { createGlance, definition as glance } from '#services/glance/service.ts'
import { rules as novaRules } from '#services/nova/contract/rules.ts'
import { sshKeys } from '#host/node/ssh-key.ts'
import { metadataService } from '#services/nova/api/metadata-service.ts'
import { neutronConfig } from '#services/neutron/config.ts'
import { createNeutronAgent, type NeutronAgent } from '#services/neutron/actors/agent.ts'
import { metadataOver } from '#services/neutron/actors/metadata.ts'
import { migrations as neutronMigrations } from '#services/neutron/db/migrations.ts'
import { createSimulatedMechanism } from '#services/neutron/drivers/mechanism-simulated/mechanism-simulated.ts'
import { createNeutron, definition as neutron } from '#services/neutron/service.ts'
import { placementConfig } from '#services/placement/config.ts'
import { migrations as placementMigrations } from '#services/placement/db/migrations/list.ts'
import { createPlacement, definition as placement } from '#services/placement/service.ts'
import { cinderConfig } from '#services/cinder/config.ts'
import { migrations as cinderMigrations } from '#services/cinder/db/migrations.ts'
import { createCinder, definition as cinder } from '#services/cinder/service.ts'
import { evictImages } from '#services/nova/reconcilers/evict-images.ts'
import { novaConfig } from '#services/nova/config.ts'
import { migrations as novaMigrations } from '#services/nova/db/migrations.ts'
import { createNova, definition as nova, type Nova } from '#services/nova/service.ts'

/** A service as main sees it. */
export interface Part {
  readonly definition: ServiceDefinition
  readonly handle: Handle
  readonly routes: readonly Routes[]
  readonly audit?: Audit
}

export interface Cloud {
  readonly platform: Platform
  readonly machine: Machine
  readonly parts: readonly Part[]
  readonly nova: Nova
  readonly refusals: Refusals
  readonly port: number
  /** `http://127.0.0.1:8080`. */
  readonly door: string
  readonly hostIp: string
  /** A context of the service account `nova`, for looking at things from the outside. */
  readonly identityOf: (user: string) => ServiceIdentity
  readonly transportTo: (definition: ServiceDefinition) => Transport
  stop(options: { keepGuests: boolean; remove: boolean }): Promise<void>
}

/** Starts everything in order; on a failure what was started is stopped again. Throws Refusal for what a person can mend. */
export async function createCloud(options: StartOptions): Promise<Cloud> {
  const { state, config } = options
  const koto = config.of(kotoConfig)
  const undo: (() => Promise<unknown> | unknown)[] = []
  try {
    const platform = await createPlatform({
      state,
      logs: options.logs,
      faults: process.env['KOTO_FAULT'] ?? '',
      die: where => {
        process.stderr.write(`KOTO_FAULT: killed at ${where}\n`)
        process.kill(process.pid, 'SIGKILL')
      },
      hooks: options.hooks ?? [],
    })
    undo.push(() => platform.close())
    const { clock, ids, cross, bus, log } = platform
    const refusals = createRefusals(clock)
    const pipeline = (what: string) => ({ refused: refusals.keep, unavailable: unavailableWords(what) })
    const reach = reachableHost(koto.bind, koto.hostIp)
    let door = `http://${reach}:${koto.port}`
    const has = (service: string): boolean => !options.disabled.has(service)
    const handles = new Map<string, Handle>()
    /** Late on purpose: services know each other by name, and are there when the first call comes. */
    const transportTo = (to: ServiceDefinition): Transport =>
      inProcess(call => (handles.get(to.name) ?? absent)(call), to.actor, `${door}${to.prefix}`)
    const parts: Part[] = []
    const add = (part: Part): void => {
      parts.push(part)
      handles.set(part.definition.name, part.handle)
    }

    // ── identity
    const keys = (name: string) => (state.ephemeral ? memoryKeys() : fileKeys(state.folder('keys', name)))
    const identity = createKeystone({
      database: await platform.open('keystone', keystoneMigrations),
      clock,
      ids,
      cross,
      log: log('keystone'),
      settings: config.of(keystoneConfig),
      drivers: {
        passwords: createPasswords(),
        tokenSeal: createFernet(keys('tokens')),
        credentialSeal: createFernet(keys('credentials')),
      },
      frontDoor: door,
    })
    add({ definition: keystone, handle: identity.handle, routes: identity.routes, audit: identity.audit })
    const authenticate = authenticateBy(transportTo(keystone))
    const identities = new Map<string, ServiceIdentity>()
    const identityOf = (user: string): ServiceIdentity => {
      let found = identities.get(user)
      if (found === undefined) {
        found = createServiceIdentity(
          transportTo(keystone),
          { user, password: options.passwords.service },
          { clock, ids, cross: (_crossing, deed) => deed() },
        )
        identities.set(user, found)
      }
      return found
    }

    // ── this machine
    const machine = await findMachine(
      {
        hypervisor: koto.hypervisor,
        network: koto.network,
        hosts: koto.hosts,
        egress: koto.egress,
        tunnelIp: config.of(neutronConfig).tunnelIp,
        sendMs: koto.simulatedMigrationMs,
      },
      {
        state,
        exec: createExec(),
        clock,
        log: log('nova-compute'),
        onMetadata: metadataOver({ bus, host: hostName(), ids, cross: quiet }),
      },
    )
    undo.push(() => machine.fabric?.close())

    // ── images
    const imageDoor = createOutbound({ allowPrivate: config.of(glanceConfig).importAllowPrivateAddresses })
    const images = createGlance({
      database: await platform.open('glance', glanceMigrations),
      bus,
      clock,
      ids,
      cross,
      log: log('glance-api'),
      authenticate,
      settings: config.of(glanceConfig),
      store: createFileStore(state.folder('images')),
      staging: createFileStore(state.folder('staging')),
      cache: createFileCache(state.folder('glance-cache'), state.folder('images')),
      door: imageDoor,
      quotas: keystoneQuotas(transportTo(keystone), identityOf('glance')),
      pipeline: pipeline('image'),
    })
    add({ definition: glance, handle: images.handle, routes: images.routes, audit: images.audit })

    // ── placement
    const places = createPlacement({
      database: await platform.open('placement', placementMigrations),
      clock,
      ids,
      cross,
      log: log('placement-api'),
      authenticate,
      settings: config.of(placementConfig),
      pipeline: pipeline('placement'),
    })
    add({ definition: placement, handle: places.handle, routes: places.routes, audit: places.audit })

    // ── compute
    const compute = createNova({
      database: await platform.open('nova', novaMigrations),
      bus,
      clock,
      ids,
      cross,
      log: log('nova'),
      authenticate,
      identity: identityOf('nova'),
      settings: config.of(novaConfig),
      neighbours: {
        keystone: transportTo(keystone),
        glance: transportTo(glance),
        neutron: transportTo(neutron),
        cinder: transportTo(cinder),
        placement: transportTo(placement),
      },
      hosts: machine.hosts.map(host => ({
        host: host.name,
        hostIp: host.ip,
        hypervisor: host.hypervisor,
        files: host.files,
        driveForAll: host.driveForAll,
      })),
      pipeline: pipeline('compute'),
      sha224,
      sha256,
      md5,
      sshKeys: sshKeys(),
    })
    add({ definition: nova, handle: compute.handle, routes: compute.routes })

    // ── networks
    const metadataSecret = sha256(`metadata ${options.passwords.service}`)
    const networks = createNeutron({
      database: await platform.open('neutron', neutronMigrations),
      clock,
      ids,
      cross,
      bus,
      log: log('neutron-server'),
      authenticate,
      settings: config.of(neutronConfig),
      neighbours: {
        nova: transportTo(nova),
        novaMetadata: inProcess(
          metadataService(compute.metadata, { ids, secret: metadataSecret }),
          'nova-metadata',
          '',
        ),
      },
      identity: identityOf('neutron'),
      metadataSecret,
    })
    add({ definition: neutron, handle: networks.handle, routes: networks.routes, audit: networks.audit })
    const agents: NeutronAgent[] = machine.hosts.map((host, index) =>
      createNeutronAgent({
        bus,
        clock,
        ids,
        cross: quiet,
        host: host.name,
        mechanism: index === 0 ? machine.mechanism : createSimulatedMechanism(),
        log: log('neutron-agent'),
        networkNode: index === 0,
        reportIntervalMs: 30_000,
      }),
    )

    // ── volumes
    const storage = await volumeBackend(
      machine,
      { state, clock, host: hostName() },
      config.of(cinderConfig).volumeBackingFileSizeGb,
    )
    const volumes = createCinder({
      database: await platform.open('cinder', cinderMigrations),
      bus,
      clock,
      ids,
      cross,
      log: log('cinder'),
      authenticate,
      identity: identityOf('cinder'),
      settings: config.of(cinderConfig),
      neighbours: { glance: transportTo(glance), nova: transportTo(nova), keystone: transportTo(keystone) },
      backends: [{ host: hostName(), name: storage.name, backend: storage.backend }],
      backups: storage.backups,
      pipeline: pipeline('volume'),
      md5: text => md5(new TextEncoder().encode(text)),
    })
    if (has('cinder')) add({ definition: cinder, handle: volumes.handle, routes: volumes.routes, audit: volumes.audit })

    // ── start, in order
    await identity.bootstrap({
      adminPassword: options.passwords.admin,
      servicePassword: options.passwords.service,
      endpoints: parts.flatMap(({ definition }) =>
        definition.types.map(type => ({
          service: definition.name,
          type,
          url: `$(front_door)s${definition.prefix}${definition.catalogPath}`,
        })),
      ),
    })
    await identity.start()
    await images.start()
    undo.push(() => images.stop())
    await networks.start()
    for (const agent of agents) await agent.start()
    undo.push(() => networks.stop())
    if (has('cinder')) {
      await volumes.start()
      undo.push(() => volumes.stop())
    }
    await compute.start()
    undo.push(() => compute.stop())
    const care = reconciling({
      clock,
      ctx: () => ({ requestId: `req-${ids.uuid()}`, who: null, actor: 'koto', cross: quiet }),
      onError: (name, error) => log('koto').warn(null, `${name}: ${error.message}`),
    })
    images.reconcile(care)
    compute.reconcile(care)
    if (has('cinder')) volumes.reconcile(care)
    const unusedMs = config.of(novaConfig).imageCacheUnusedS * 1000
    care.add(evictImages, () => ({ images: machine.images, unusedMs }))
    care.start()
    undo.push(() => care.stop())

    // ── the door
    const ownApi = kotoApi({
      authenticate,
      recorder: platform.recorder,
      clock,
      ids,
      cross,
      maySee: (ctx, id) =>
        compute.serverParts.find(ctx, id, novaRules.serversShow).then(
          () => true,
          () => ctx.who?.roles.includes('admin') === true,
        ),
    })
    let ready = false
    const web = fileURLToPath(new URL('../../web/dist', import.meta.url))
    const frontDoor = await createFrontDoor({
      bind: koto.bind,
      port: koto.port,
      classicPorts: koto.classicPorts,
      mounts: [
        ...parts.map((part): Mount => ({
          prefix: part.definition.prefix,
          handle: part.handle,
          classicPort: part.definition.classicPort,
        })),
        { prefix: '/koto', handle: ownApi },
      ],
      sockets: [consoleDoor(compute, { clock, ids })],
      webRoot: has('horizon') && existsSync(path.dirname(web)) ? web : null,
      ready: () => ready,
      report: error => log('koto').error(null, 'the front door', error),
    })
    const port = await frontDoor.listen()
    door = `http://${reach}:${port}`
    undo.push(() => frontDoor.close())
    ready = true

    return {
      platform,
      machine,
      parts,
      nova: compute,
      refusals,
      port,
      door,
      hostIp: koto.hostIp === '' ? hostAddress(koto.bind) : koto.hostIp,
      identityOf,
      transportTo,
      async stop({ keepGuests, remove }) {
        ready = false
        await frontDoor.close()
        await care.stop()
        await compute.stop(keepGuests ? {} : { shutDownMs: remove ? 0 : 10_000 })
        if (has('cinder')) await volumes.stop()
        for (const agent of agents) await agent.stop()
        await networks.stop()
        await machine.mechanism.close()
        await identity.stop()
        if (machine.fabric !== null) {
          if (keepGuests && !remove) await machine.fabric.close()
          else await machine.fabric.stop()
        }
        await platform.close()
      },
    }
  } catch (error) {
    for (const step of undo.reverse()) await Promise.resolve(step()).catch(() => undefined)
    throw error
  }
}

/** Our own housekeeping is no part of anybody's journey. */
const quiet: Cross = (_crossing, deed) => deed()

const absent: Handle = async () => ({
  status: 503,
  headers: { 'content-type': 'application/json' },
  body: '{"error":{"code":503,"message":"This service is not there."}}',
})
