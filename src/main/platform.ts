// What differs between processes, tests and other places: clock, ids, seam, bus, databases, logs. Values, passed on.
import { rmSync } from 'node:fs'

import type { LogFiles } from '#host/node/log-file.ts'
import { openSqlite } from '#host/node/sqlite.ts'
import type { StateDir } from '#host/node/state-dir.ts'
import { createBus, type Bus } from '#kernel/bus/bus.ts'
import { memoryTransport } from '#kernel/bus/memory-transport.ts'
import { crossings, type Cross, type Hook } from '#kernel/crossing/crossing.ts'
import { faultHooks } from '#kernel/crossing/faults.ts'
import { recorder, type Recorder } from '#kernel/crossing/recorder.ts'
import type { Database } from '#kernel/db/database.ts'
import { migrate, type Migration } from '#kernel/db/migrations.ts'
import { DatabaseUnavailable } from '#kernel/db/errors.ts'
import { systemClock, type Clock } from '#kernel/lib/clock.ts'
import { randomIds, type Ids } from '#kernel/lib/ids.ts'
import type { Log } from '#kernel/lib/log.ts'
import { journeyMigrations, journeyStore, type JourneyTables } from '#main/journey-store.ts'

export interface Platform {
  readonly clock: Clock
  readonly ids: Ids
  readonly cross: Cross
  readonly recorder: Recorder
  readonly bus: Bus
  /** Opens a service's database in the state folder and brings it to this version. Throws NewerDatabase. */
  open<T>(name: string, migrations: readonly Migration[]): Promise<Database<T>>
  /** Logs of a component: `nova-api` goes to `log/nova-api.log`. */
  log(service: string): Log
  /** All databases opened so far. */
  readonly databases: readonly Database<unknown>[]
  close(): Promise<void>
}

export interface PlatformOptions {
  readonly state: StateDir
  readonly logs: LogFiles
  /** `KOTO_FAULT`: hooks that break things on purpose; empty in ordinary life. */
  readonly faults: string
  /** Ends the process at once, as kill -9 would. `where`: the crossing, for people. */
  readonly die: (where: string) => void
  /** What else stands at the seam. */
  readonly hooks?: readonly Hook[]
}

export async function createPlatform(options: PlatformOptions): Promise<Platform> {
  const { state, logs } = options
  const clock = systemClock()
  const ids = randomIds()
  const databases: Database<unknown>[] = []
  const memory = state.ephemeral
  const openRaw = <T>(name: string): Database<T> => {
    const database = openSqlite<T>({ file: memory ? ':memory:' : state.file(`${name}.db`), name, clock })
    databases.push(database as Database<unknown>)
    return database
  }
  const log = (service: string): Log => ({
    info: (ctx, says, facts) => logs.write(service, 'INFO', withFacts(says, facts), ctx?.requestId ?? null),
    warn: (ctx, says, facts) => logs.write(service, 'WARNING', withFacts(says, facts), ctx?.requestId ?? null),
    error: (ctx, says, error) =>
      logs.write(service, 'ERROR', error === undefined ? says : `${says}: ${chainOf(error)}`, ctx?.requestId ?? null),
  })
  const journeys = openRaw<JourneyTables>('journey')
  await migrate(journeys, journeyMigrations, clock)
  const record = recorder({
    clock,
    store: journeyStore(journeys, clock),
    onError: error => log('koto').warn(null, `a journey could not be kept: ${error.message}`),
  })
  const cross = crossings([
    record.hook,
    ...faultHooks(options.faults, { clock, die: options.die }),
    ...(options.hooks ?? []),
  ])
  const bus = createBus({
    transport: memoryTransport(clock),
    cross,
    ids,
    onDeadLetter: letter =>
      log('koto').warn(null, `a message nobody could handle: ${letter.at} ${letter.verb}: ${letter.error.message}`),
  })
  return {
    clock,
    ids,
    cross,
    bus,
    log,
    databases,
    recorder: record,
    async open<T>(name: string, migrations: readonly Migration[]) {
      const database = openRaw<T>(name)
      await migrate(database, migrations, clock)
      return database
    },
    async close() {
      await record.stop().catch(() => undefined)
      await bus.close()
      for (const database of databases) await database.close()
    },
  }
}

/** The sentence for a client when a database cannot be had; null for other errors. */
export const unavailableWords =
  (what: string) =>
  (error: unknown): string | null =>
    error instanceof DatabaseUnavailable
      ? error.reason === 'full'
        ? `The disk of the ${what} database is full.`
        : `The ${what} database is not available just now.`
      : null

const withFacts = (says: string, facts: Readonly<Record<string, unknown>> | undefined): string =>
  facts === undefined ? says : `${says} ${JSON.stringify(facts)}`

/** An error with its causes, each once. */
function chainOf(error: unknown): string {
  const parts: string[] = []
  let at: unknown = error
  while (at !== undefined && at !== null && parts.length < 6) {
    parts.push(at instanceof Error ? (at.stack ?? at.message) : String(at))
    at = at instanceof Error ? at.cause : undefined
  }
  return parts.join('\ncaused by ')
}

/** Removes what an ephemeral or cleaned cloud kept. */
export const removeAll = (path: string): void => rmSync(path, { recursive: true, force: true })
