// All sources of settings brought together: localrc files, environment, flags → one Config, the passwords, what is disabled.
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fromDevstack, fromEnvironment, mergeConfig, optionNames, type Config } from '#kernel/config/config.ts'
import { parseLocalrc, withFullNames, type Localrc } from '#kernel/config/localrc.ts'
import { Refusal } from '#kernel/config/refusal.ts'
import type { Ids } from '#kernel/lib/ids.ts'
import type { StateDir } from '#host/node/state-dir.ts'
import { declarations } from '#main/options.ts'
import type { Passwords } from '#main/control/control.ts'

export interface SettingsWish {
  /** `--localrc FILE`; else `./localrc`, else `./local.conf`, beside the state folder's own. */
  readonly localrc: string | undefined
  /** `service.option`, text: from `--set` and from the options that have a flag of their own. */
  readonly flags: readonly (readonly [string, string])[]
  readonly cwd: string
  readonly env: Readonly<Record<string, string | undefined>>
}

export interface Settings {
  readonly config: Config
  /** Names that were given; the others are made when the state folder is taken. */
  readonly passwords: Readonly<Partial<Record<keyof Passwords, string>>>
  readonly disabled: ReadonlySet<string>
  /** Sentences worth showing once. */
  readonly notices: readonly string[]
}

const PASSWORDS = { admin: 'ADMIN_PASSWORD', service: 'SERVICE_PASSWORD', database: 'DATABASE_PASSWORD' } as const
/** What all others need. Volumes and the web console can be left out. */
const ALWAYS = ['keystone', 'glance', 'placement', 'nova', 'neutron'] as const
const LONG_ENOUGH = 12

/** Reads and merges everything. Only looks: nothing is written. @throws Refusal in one sentence, naming file and line. */
export function readSettings(state: StateDir, wish: SettingsWish): Settings {
  const own = state.read('localrc')
  const files: Localrc[] = []
  if (own !== null) files.push(parseLocalrc(own, state.file('localrc'), wish.env))
  const named = localrcFile(wish)
  if (named !== null) files.push(parseLocalrc(readText(named), named, wish.env))

  const variables = Object.fromEntries(files.flatMap(file => [...file.variables]))
  const known = new Set(optionNames(declarations).map(plain))
  const settings = files.flatMap(file => file.settings)
  const strange = settings.filter(([name]) => !known.has(plain(name)))
  const config = mergeConfig(declarations, [
    {
      name: named ?? 'localrc',
      values: [
        ...fromDevstack(declarations, variables),
        ...settings.filter(([name]) => known.has(plain(name))),
        ...fromEnvironment(declarations, variables),
      ],
    },
    {
      name: 'environment',
      values: [...fromDevstack(declarations, devstackOnly(wish.env)), ...fromEnvironment(declarations, wish.env)],
    },
    { name: 'flag', exitCode: 2, values: wish.flags },
  ])

  const disabled = new Set<string>()
  for (const file of files) {
    for (const name of withFullNames(file.disabled)) disabled.add(name)
    for (const name of withFullNames(file.enabled)) disabled.delete(name)
  }
  const passwords: Partial<Record<keyof Passwords, string>> = {}
  for (const [kind, name] of Object.entries(PASSWORDS) as [keyof Passwords, string][]) {
    const value = nonEmpty(wish.env[name]) ?? nonEmpty(variables[name])
    if (value !== undefined) passwords[kind] = value
  }
  return {
    config,
    passwords,
    disabled,
    notices: [
      ...files.flatMap(file => file.ignored),
      ...ALWAYS.filter(name => disabled.has(name)).map(
        name => `disable_service ${name} was left out: every cloud of Koto has it.`,
      ),
      ...strange.map(([name]) => `${name} from local.conf is not an option of Koto and was left out.`),
    ],
  }
}

/** Random ones where none was given; all are kept in the state folder's localrc for the next start and for people. */
export function keepPasswords(state: StateDir, given: Settings['passwords'], ids: Ids): Passwords {
  const passwords: Passwords = {
    admin: given.admin ?? randomPassword(ids),
    service: given.service ?? randomPassword(ids),
    database: given.database ?? randomPassword(ids),
  }
  let text = state.read('localrc') ?? ''
  for (const [kind, name] of Object.entries(PASSWORDS) as [keyof Passwords, string][]) {
    const line = `${name}=${/^[\w.-]+$/.test(passwords[kind]) ? passwords[kind] : `'${passwords[kind].replaceAll("'", `'\\''`)}'`}`
    const there = new RegExp(`^${name}=.*$`, 'm')
    if (there.test(text)) text = text.replace(there, () => line)
    else text = `${text}${text === '' || text.endsWith('\n') ? '' : '\n'}${line}\n`
  }
  if (text !== state.read('localrc')) state.write('localrc', text)
  return passwords
}

/** A cloud that strangers can reach must not have a guessable password. @throws Refusal */
export function checkExposure(bind: string, password: string | undefined): void {
  if (/^(127\.|::1$|localhost$)/.test(bind) || password === undefined || password.length >= LONG_ENOUGH) return
  throw new Refusal(
    `Listening on ${bind} needs an ADMIN_PASSWORD of at least ${LONG_ENOUGH} characters, because others can reach it; set a longer one or leave it out.`,
  )
}

/** Twenty letters and digits: about 119 bits. */
export function randomPassword(ids: Ids): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
  let word = ''
  while (word.length < 20) {
    for (const byte of ids.bytes(32)) if (byte < 248 && word.length < 20) word += alphabet[byte % 62]
  }
  return word
}

function localrcFile(wish: SettingsWish): string | null {
  if (wish.localrc !== undefined) return path.resolve(wish.cwd, wish.localrc)
  for (const name of ['localrc', 'local.conf']) {
    const file = path.join(wish.cwd, name)
    if (existsSync(file)) return file
  }
  return null
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new Refusal(
      `The settings file ${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'}).`,
    )
  }
}

const plain = (name: string): string => name.replace(/[_-]/g, '').toLowerCase()
const nonEmpty = (value: string | undefined): string | undefined => (value === '' ? undefined : value)

/** Of DevStack's names only these are common enough in a person's environment to be meant for us. */
function devstackOnly(env: SettingsWish['env']): Record<string, string | undefined> {
  const meant = [
    'FLOATING_RANGE',
    'FIXED_RANGE',
    'PUBLIC_NETWORK_GATEWAY',
    'VOLUME_BACKING_FILE_SIZE',
    'REGION_NAME',
    'HOST_IP',
  ]
  return Object.fromEntries(meant.map(name => [name, env[name]]))
}
