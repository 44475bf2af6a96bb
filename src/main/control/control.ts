// What a running cloud can be asked from outside its APIs: the shapes behind `koto status`, `journey`, `why`, `audit`, …
// create-cloud implements CloudControl; control/server.ts puts it on a unix socket; control/client.ts is the other end.
// Field names are the JSON a person sees (`--json`), so they are written as they are printed.
import type { Reason } from '#kernel/contract/verdict.ts'
import type { Hook } from '#kernel/crossing/crossing.ts'
import type { Config, EffectiveOption } from '#kernel/config/config.ts'
import type { LogFiles } from '#host/node/log-file.ts'
import type { StateDir } from '#host/node/state-dir.ts'

/** What `up` prints, and what any later `up` on the same state folder prints again. */
export interface UpSummary {
  readonly ready: true
  /** From the start of the command to ready. */
  readonly seconds: number
  /** `http://127.0.0.1:8080/identity/v3`, no slash at the end. */
  readonly auth_url: string
  /** `http://127.0.0.1:8080/`. */
  readonly horizon: string
  readonly clouds_yaml: string
  readonly state: string
  readonly pid: number
  /** The address guests and people see as this host's. */
  readonly host_ip: string
  /** One sentence per thing that fell back to something lesser, e.g. emulation instead of KVM. */
  readonly notices: readonly string[]
}

export type ComponentState = 'up' | 'down' | 'starting' | 'stopping' | 'degraded'

/** One running part: an API, an actor, a reconciler set, a helper process. */
export interface ComponentStatus {
  /** OpenStack's name, e.g. `nova-api`, `nova-compute@node-1`, `dnsmasq@<network>`. */
  readonly name: string
  readonly state: ComponentState
  /** Resident memory where it has a process of its own; null when it shares the main process. */
  readonly memory_mb: number | null
  /** Messages or jobs waiting for it; null where it has no queue. */
  readonly queue: number | null
  /** Why it is not simply `up`, or what it is doing. One sentence, or null. */
  readonly note: string | null
}

export interface HostStatus {
  readonly name: string
  readonly state: 'up' | 'down'
  readonly enabled: boolean
  /** `qemu (kvm)`, `qemu (emulation)`, `simulated`. */
  readonly hypervisor: string
  readonly vcpus: number
  readonly vcpus_used: number
  readonly memory_mb: number
  readonly memory_mb_used: number
  readonly disk_gb: number
  readonly disk_gb_used: number
  readonly guests: number
}

export interface GuestStatus {
  readonly id: string
  readonly name: string
  readonly project: string
  readonly host: string | null
  /** As the compute API says: ACTIVE, BUILD, ERROR, … */
  readonly status: string
  readonly task: string | null
  readonly addresses: readonly string[]
  /** Of the guest's own process; null when it has none. */
  readonly pid: number | null
  readonly memory_mb: number | null
}

export interface StatusReport {
  readonly state: string
  readonly pid: number
  readonly version: string
  readonly ready: boolean
  readonly uptime_s: number
  readonly auth_url: string
  readonly horizon: string
  /** Resident memory of the control plane's own process. */
  readonly memory_mb: number
  readonly components: readonly ComponentStatus[]
  readonly hosts: readonly HostStatus[]
  readonly guests: readonly GuestStatus[]
  readonly notices: readonly string[]
}

/** `book`: the manual's 28 steps in their order, others between; `today`: in order of time. */
export type JourneyOrder = 'book' | 'today'

/** One crossing of a server's boot, as recorded. */
export interface JourneyRow {
  /** The book's number 1–28, or null for a crossing that the book does not have. */
  readonly step: number | null
  /** Since the first crossing. */
  readonly at_ms: number
  readonly ms: number
  readonly from: string
  readonly to: string
  readonly kind: string
  readonly name: string
  readonly request_id: string
  readonly task: string | null
  readonly status: string | null
  readonly detail: Readonly<Record<string, unknown>>
}

export interface WhyReport {
  readonly id: string
  /** What the id names. */
  readonly kind: 'server' | 'request' | 'volume' | 'image' | 'port' | 'other'
  /** One sentence: what happened to it. */
  readonly says: string
  readonly because: readonly Reason[]
  /** The nearest change that would help, or null when none is known. */
  readonly nearest: string | null
}

/** One place where a ledger and the machine disagree. */
export interface Violation {
  /** The invariant's short name, e.g. `allocations`, `guest-processes`, `addresses`. */
  readonly ledger: string
  /** What it is about: an id, a device, a file. */
  readonly subject: string
  readonly says: string
}

export interface RouteRow {
  readonly service: string
  readonly method: string
  readonly path: string
  /** First and last microversion, null where it has none. */
  readonly since: string | null
  readonly until: string | null
  /** False: the table knows it, the service answers its own error. */
  readonly built: boolean
  readonly rule: string
}

/** What create-cloud implements. Every method may be called at any time after ready, concurrently, until `down` resolves. */
export interface CloudControl {
  status(): Promise<StatusReport>
  /** `server` is an id or a name; null when no such server was ever seen. */
  journey(server: string, order: JourneyOrder): Promise<readonly JourneyRow[] | null>
  /** `id` is a server's, a request's (`req-…`) or another thing's; null when nothing is known of it. */
  why(id: string): Promise<WhyReport | null>
  audit(): Promise<readonly Violation[]>
  routes(): readonly RouteRow[]
  config(): readonly EffectiveOption[]
  /** Argument vector to put before a command so that it runs in the external network; empty where the host can reach it. */
  enterArgv(): Promise<readonly string[]>
  /** One line per thing that exists on the machine because of this cloud. */
  cleanPlan(): Promise<readonly string[]>
  /** An orderly stop: refuse new requests, let steps reach a boundary, stop or keep guests, close. Resolves when all is closed. */
  down(options: DownOptions): Promise<void>
}

export interface DownOptions {
  /** True: guests run on and are adopted by the next `up`. */
  readonly keepGuests: boolean
  /** Also remove what guests and networks left on the machine (for `clean`, and for `--ephemeral`). */
  readonly remove?: boolean
}

export interface Passwords {
  readonly admin: string
  readonly service: string
  readonly database: string
}

/** The person's demo key: OpenSSH text of both halves. */
export interface DemoKey {
  readonly privateFile: string
  readonly publicKey: string
}

/** All that `koto up` hands to main's startCloud. Values only: nothing here is read again from the environment. */
export interface StartOptions {
  readonly state: StateDir
  readonly config: Config
  readonly passwords: Passwords
  readonly demoKey: DemoKey
  readonly logs: LogFiles
  /** `enable_service` / `disable_service` of localrc, already merged: service names that are off. */
  readonly disabled: ReadonlySet<string>
  /** Aborted when the person gave up before ready. */
  readonly signal: AbortSignal
  /** Called with one sentence as the start goes on, e.g. `building the koto-tiny image`. */
  readonly progress: (says: string) => void
  /** More hooks on the seam, after those of `KOTO_FAULT`. */
  readonly hooks?: readonly Hook[]
}

export interface StartedCloud {
  readonly control: CloudControl
  readonly authUrl: string
  readonly horizon: string
  readonly hostIp: string
  readonly notices: readonly string[]
  /** Rejects when the cloud dies by itself; resolves after `down`. */
  readonly stopped: Promise<void>
}

/** `src/main/main.ts` exports one of these as `startCloud`. Throws a Refusal for what a person can mend. */
export type StartCloud = (options: StartOptions) => Promise<StartedCloud>
