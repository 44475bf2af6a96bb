// Options: declared by each service with a type, a default and a sentence; merged once at start; frozen; passed, never global.
import { parseOption, type OptionType, type ValueOf } from '#kernel/config/option-type.ts'
import { Refusal } from '#kernel/config/refusal.ts'
import { nearest } from '#kernel/config/nearest.ts'

/** One option as its service declares it. */
export interface Option<T extends OptionType = OptionType> {
  readonly type: T
  readonly default: ValueOf<T>
  /** What it does, in one sentence, with its unit. */
  readonly sentence: string
  /** Its name in DevStack's localrc, e.g. `VOLUME_BACKING_FILE_SIZE`. */
  readonly devstack?: string
  /** For numbers. */
  readonly min?: number
  readonly max?: number
  /** Never shown, never logged. */
  readonly secret?: boolean
}
export type Options = Readonly<Record<string, Option>>

/** A service's options. `O` carries the exact types to {@link Config.of}. */
export interface Declaration<O extends Options = Options> {
  readonly service: string
  readonly options: O
}

export type Settings<O extends Options> = { readonly [K in keyof O]: ValueOf<O[K]['type']> }

type Checked<O extends Record<string, { readonly type: OptionType }>> = {
  readonly [K in keyof O]: Option<O[K]['type']>
}

/**
 * Declares a service's options. Keys are camelCase with units in the name (`imageCacheGb`); a person may write
 * `nova.image_cache_gb`, `nova.image-cache-gb` or `nova.imageCacheGb`.
 * @example export const novaConfig = defineConfig('nova', { cpuRatio: { type: 'number', default: 4, sentence: 'Virtual CPUs per core.' } })
 */
export function defineConfig<const O extends Record<string, { readonly type: OptionType }>>(
  service: string,
  options: O & Checked<O>,
): Declaration<Checked<O>> {
  return Object.freeze({ service, options })
}

/** Where values come from, weakest first: `default`, `localrc`, `environment`, `flag`. */
export interface Source {
  readonly name: string
  /** What a mistake in it exits with; default 1. */
  readonly exitCode?: number
  /** `service.option` → text. Any spelling of the option's name. */
  readonly values: Iterable<readonly [name: string, text: string]>
}

/** One option with its value and where it came from: a line of `koto config`. */
export interface EffectiveOption {
  /** `nova.image_cache_gb`. */
  readonly name: string
  readonly type: string
  readonly default: unknown
  readonly value: unknown
  /** `default`, `localrc`, `environment`, `flag`. */
  readonly source: string
  readonly sentence: string
}

export interface Config {
  /** A service's frozen options, typed by its declaration. */
  of<O extends Options>(declaration: Declaration<O>): Settings<O>
  effective(): readonly EffectiveOption[]
}

/** `imageCacheGb` → `image_cache_gb`. */
export const outsideName = (key: string): string => key.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`)
const plain = (name: string): string => name.replace(/[_-]/g, '').toLowerCase()

/** Every `service.option` name a person may set, in its printed spelling. */
export const optionNames = (declarations: readonly Declaration[]): string[] =>
  declarations.flatMap(d => Object.keys(d.options).map(key => `${d.service}.${outsideName(key)}`))

/**
 * Merges sources over the defaults, the last source winning.
 * @throws Refusal for an unknown option (naming the nearest) or a value of the wrong type (naming the source).
 */
export function mergeConfig(declarations: readonly Declaration[], sources: readonly Source[]): Config {
  const known = new Map<string, { declaration: Declaration; key: string; option: Option }>()
  for (const declaration of declarations) {
    for (const [key, option] of Object.entries(declaration.options)) {
      known.set(plain(`${declaration.service}.${key}`), { declaration, key, option })
    }
  }
  const given = new Map<string, { value: unknown; source: string }>()
  for (const source of sources) {
    for (const [name, text] of source.values) {
      const id = plain(name)
      const found = known.get(id)
      if (found === undefined) {
        const close = nearest(name, optionNames(declarations))
        throw new Refusal(
          `${source.name}: there is no option ${name}${close === null ? '' : `; the nearest is ${close}`}.`,
          source.exitCode,
        )
      }
      const parsed = parseOption(found.option.type, text, found.option)
      if (!parsed.ok) throw new Refusal(`${source.name}: ${name} ${parsed.says}.`, source.exitCode)
      given.set(id, { value: parsed.value, source: source.name })
    }
  }
  const slices = new Map<string, Readonly<Record<string, unknown>>>()
  const effective: EffectiveOption[] = []
  for (const { service, options } of declarations) {
    const slice: Record<string, unknown> = {}
    for (const [key, option] of Object.entries(options)) {
      const got = given.get(plain(`${service}.${key}`))
      slice[key] = got === undefined ? option.default : got.value
      effective.push({
        name: `${service}.${outsideName(key)}`,
        type: Array.isArray(option.type) ? option.type.join('|') : (option.type as string),
        default: option.secret === true ? '***' : option.default,
        value: option.secret === true ? '***' : slice[key],
        source: got === undefined ? 'default' : got.source,
        sentence: option.sentence,
      })
    }
    slices.set(service, Object.freeze(slice))
  }
  Object.freeze(effective)
  return Object.freeze({
    of<O extends Options>(declaration: Declaration<O>): Settings<O> {
      const slice = slices.get(declaration.service)
      if (slice === undefined) throw new Error(`the options of ${declaration.service} were not declared at start`)
      return slice as Settings<O>
    },
    effective: () => effective,
  })
}

/** `nova.image_cache_gb` → `KOTO_NOVA_IMAGE_CACHE_GB`; `koto.port` → `KOTO_PORT`. */
export const environmentName = (name: string): string =>
  `KOTO_${name
    .replace(/^koto\./, '')
    .replace('.', '_')
    .toUpperCase()}`

/** Values for {@link Source} from variables named so; others are ignored. */
export function fromEnvironment(
  declarations: readonly Declaration[],
  env: Readonly<Record<string, string | undefined>>,
): [string, string][] {
  const found: [string, string][] = []
  for (const name of optionNames(declarations)) {
    const value = env[environmentName(name)]
    if (value !== undefined) found.push([name, value])
  }
  return found
}

/** Values for {@link Source} from DevStack's own variable names, as far as an option claims one. */
export function fromDevstack(
  declarations: readonly Declaration[],
  variables: Readonly<Record<string, string | undefined>>,
): [string, string][] {
  const found: [string, string][] = []
  for (const { service, options } of declarations) {
    for (const [key, option] of Object.entries(options)) {
      const value = option.devstack === undefined ? undefined : variables[option.devstack]
      if (value !== undefined) found.push([`${service}.${outsideName(key)}`, value])
    }
  }
  return found
}
