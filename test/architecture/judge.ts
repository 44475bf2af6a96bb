// Reads a tree of files and says, in sentences, which of them break the house rules.
import { codeOnly, importsOf, lineAt, type Import } from './source-text.ts'

export interface House {
  readonly mayImport: Readonly<Record<string, readonly string[]>>
  readonly rooms: Readonly<Record<string, readonly string[]>>
  readonly typesToo: Readonly<Record<string, readonly string[]>>
  readonly speaksToOthers: readonly string[]
  readonly kernelPackages: readonly string[]
  readonly forbiddenGlobals: readonly string[]
  readonly globalsAllowedIn: readonly string[]
  readonly childProcessAllowedIn: readonly string[]
  readonly defaultExportAllowedIn: readonly string[]
  readonly longest: number
}

interface File {
  readonly name: string
  readonly text: string
  readonly code: string
  readonly imports: readonly Import[]
  /** `kernel`, `host`, `services`, `main`; null outside src. */
  readonly layer: string | null
  /** A test, a suite of a port, or a helper that only those load. */
  readonly test: boolean
}

/** Where a file of a service stands. A file directly in the service's folder is a room by its own name. */
interface Place {
  readonly service: string
  readonly room: string
  /** For drivers: the folder of the driver, null for the port beside them. */
  readonly driver: string | null
}

const CODE = /\.(ts|tsx)$/
/** Tests, a port's suite, and helpers that by their name only those load. */
const TEST = /(\.test|\.suite|\.fixture|-for-tests|-samples|-bench)\.tsx?$|\/test-[\w-]+\.ts$/

/** All violations, in the order of the files. Empty: the house is in order. */
export function judge(tree: ReadonlyMap<string, string>, house: House): string[] {
  const files = [...tree]
    .filter(([name]) => CODE.test(name))
    .map(([name, text]): File => {
      const code = codeOnly(text)
      const layer = /^src\/([\w-]+)\//.exec(name)?.[1] ?? null
      return {
        name,
        text,
        code,
        imports: importsOf(text, code),
        layer,
        test: TEST.test(name) || name.startsWith('test/'),
      }
    })
  const found: string[] = []
  for (const [name, text] of tree) found.push(...kindOf(name, text, house))
  for (const file of files) {
    for (const one of file.imports) {
      const wrong = importFault(file, one, house)
      if (wrong !== null) found.push(`${file.name}:${one.line} → ${one.specifier}: ${wrong}`)
    }
    found.push(...wording(file, house))
  }
  return [...found, ...cycles(files)]
}

// ---- who may import whom

function importFault(file: File, one: Import, house: House): string | null {
  const { specifier } = one
  if (file.name.startsWith('web/')) return webFault(specifier)
  if (file.layer === null) return null
  if (specifier.startsWith('.')) return 'a relative path; write it as #layer/…'
  if (specifier.startsWith('node:')) return nodeFault(file, specifier, house)
  if (!specifier.startsWith('#')) return packageFault(file, specifier, one, house)
  const to = /^#(\w+)\/(.*)$/.exec(specifier)
  const layer = to?.[1] ?? ''
  if (layer !== file.layer && !(house.mayImport[file.layer] ?? []).includes(layer))
    return `${file.layer} may not import ${layer}`
  if (
    file.layer === 'kernel' &&
    file.name.startsWith('src/kernel/contract/') &&
    !specifier.startsWith('#kernel/contract/')
  ) {
    return file.test ? null : 'kernel/contract imports only itself'
  }
  return file.layer === 'services' ? serviceFault(file, one, layer, house) : null
}

function webFault(specifier: string): string | null {
  if (!specifier.startsWith('#') || specifier.startsWith('#app/')) return null
  return /^#services\/[\w-]+\/contract\/|^#kernel\/contract\//.test(specifier)
    ? null
    : 'the console imports only contracts'
}

function nodeFault(file: File, specifier: string, house: House): string | null {
  if (file.test) return null
  if (specifier === 'node:child_process' && !house.childProcessAllowedIn.some(prefix => file.name.startsWith(prefix))) {
    return 'only host starts processes'
  }
  if (file.layer === 'host' || file.layer === 'main' || placeOf(file.name)?.room === 'drivers') return null
  return 'only host, drivers and main know Node'
}

function packageFault(file: File, specifier: string, one: Import, house: House): string | null {
  const name = specifier.startsWith('@') ? specifier.split('/').slice(0, 2).join('/') : (specifier.split('/')[0] ?? '')
  if (file.test) return null
  if (file.name.startsWith('src/kernel/contract/') && !one.typeOnly) return 'kernel/contract takes no packages'
  if (file.layer === 'kernel' && !house.kernelPackages.includes(name))
    return `the kernel takes only ${house.kernelPackages.join(', ')}`
  if (placeOf(file.name)?.room === 'contract') return 'a contract is pure data and takes no packages'
  return null
}

function serviceFault(file: File, one: Import, layer: string, house: House): string | null {
  const here = placeOf(file.name)
  if (here === null) return null // said by kindOf
  if (layer === 'kernel') {
    const allowed = here.room !== 'contract' || file.test || one.specifier.startsWith('#kernel/contract/')
    return allowed ? null : 'a contract imports only kernel/contract and its own files'
  }
  if (layer === 'host') return here.room === 'drivers' || file.test ? null : 'only drivers may import host'
  const there = placeOf(`src/${one.specifier.slice(1)}`)
  if (there === null) return 'no such room'
  if (there.service !== here.service) {
    if (there.room !== 'contract') return `another service's private room`
    return file.test || house.speaksToOthers.includes(here.room) ? null : `${here.room} may not speak to other services`
  }
  if (there.room === here.room) {
    if (here.room !== 'drivers' || here.driver === null || there.driver === null || here.driver === there.driver)
      return null
    return file.test ? null : 'another driver'
  }
  const allowed = house.rooms[here.room] ?? []
  if (file.test || there.room === 'contract' || allowed.includes('*') || allowed.includes(there.room)) return null
  if (one.typeOnly && (house.typesToo[here.room] ?? []).includes(there.room)) return null
  return `${here.room} may not import ${there.room}`
}

function placeOf(name: string): Place | null {
  const match = /^src\/services\/([\w-]+)\/([\w-]+)(?:\.ts|\/(.+))$/.exec(name)
  if (match === null) return null
  const [, service = '', folder = '', rest = ''] = match
  const room = folder.startsWith('compose-') ? 'compose' : folder // compose-api.ts and the like: the service put together in pieces
  const driver = room === 'drivers' && rest.includes('/') ? (rest.split('/')[0] ?? null) : null
  return { service, room, driver }
}

// ---- what each room holds

const KINDS: readonly (readonly [where: RegExp, kinds: RegExp])[] = [
  [/^src\/services\/[\w-]+\/db\//, /\.(ts|sql)$/],
  [/^src\/services\/[\w-]+\/(contract|drivers)\//, /\.(ts|tsv|txt|json)$/],
  [/^src\/host\/guest\//, /(\.(ts|sh|awk|txt|conf|cfg|script)|\/[a-zA-Z0-9-]+)$/],
  [/^src\/main\/cli\//, /\.(ts|json)$/],
  [/^src\//, /\.ts$/],
]
const NAME = /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9-]+)*$/

function kindOf(name: string, text: string, house: House): string[] {
  const found: string[] = []
  const kinds = KINDS.find(([where]) => where.test(name))
  if (kinds !== undefined && !kinds[1].test(name)) return [`${name}: unknown kind of file for this room`]
  if (!CODE.test(name)) return found
  const base = name.split('/').pop() ?? ''
  if (name.startsWith('src/') && !NAME.test(base)) found.push(`${name}: file names are kebab-case`)
  if (name.startsWith('src/services/')) {
    const place = placeOf(name)
    const known = place !== null && (place.room in house.rooms || TEST.test(name))
    if (!known) found.push(`${name}: no such room in a service; there are ${Object.keys(house.rooms).join(', ')}`)
    else if (/\/db\/migrations\//.test(name) && !/^\d{4}-|^list\.ts$/.test(base))
      found.push(`${name}: migrations are numbered, 0001-….ts`)
  }
  const lines = text.split('\n').length - (text.endsWith('\n') ? 1 : 0)
  if (lines > house.longest && !name.includes('/contract/'))
    found.push(`${name}: ${lines} lines, at most ${house.longest}`)
  return found
}

// ---- what a line may say

function wording(file: File, house: House): string[] {
  const found: string[] = []
  const { name, text, code } = file
  const say = (index: number, what: string): void => void found.push(`${name}:${lineAt(text, index)} ${what}`)
  if (!file.test && !/^(\/\/|\/\*|#!)/.test(text)) found.push(`${name}: opens without saying what it is for`)
  const todo = /\b(TODO|FIXME|XXX)\b(?!.*#\d)/.exec(text)
  if (todo !== null && file.layer !== null) say(todo.index, `${todo[1]} without an issue`)
  for (const match of code.matchAll(/^export default\b/gm)) {
    if (!house.defaultExportAllowedIn.some(prefix => name.startsWith(prefix))) say(match.index, 'default export')
  }
  for (const one of file.imports)
    if (one.reExport && file.layer !== null) found.push(`${name}:${one.line} re-export; import from where it is`)
  if (file.layer === null || file.test) return found
  for (const match of code.matchAll(
    /^(?:export )?(?:let|var) |^(?:export )?const \w+(?:: (?!readonly |Readonly)[^=\n]+)? = (?:new (?:Map|Set|WeakMap|WeakSet|Array)(?:<[^\n]*>)?\(\)|\[\]|\{\})(?: as [^\n]+)?$/gm,
  )) {
    say(match.index, 'mutable state at module level')
  }
  if (!house.globalsAllowedIn.some(prefix => name.startsWith(prefix))) {
    for (const word of house.forbiddenGlobals) {
      const pattern = word.endsWith('()')
        ? word.replace(/[()]/g, '\\$&').replace(' ', '\\s+')
        : `${word.replace('.', '\\.')}\\(`
      for (const match of code.matchAll(new RegExp(`(?<![\\w.$])(?<!function )${pattern}`, 'g'))) {
        say(match.index, `${word}: time, chance and the outside world come in as arguments`)
      }
    }
  }
  return found
}

// ---- cycles

/** One sentence per cycle of imports that are followed at start. Types and lazy imports do not count. */
function cycles(files: readonly File[]): string[] {
  const graph = new Map<string, string[]>()
  for (const file of files) {
    const next = file.imports.filter(one => !one.typeOnly && !one.lazy && one.specifier.startsWith('#'))
    graph.set(
      file.name,
      next.map(one => `src/${one.specifier.slice(1)}`),
    )
  }
  const state = new Map<string, 'open' | 'done'>()
  const found: string[] = []
  const visit = (name: string, path: readonly string[]): void => {
    if (state.get(name) === 'done') return
    if (state.get(name) === 'open') {
      found.push(`${[...path.slice(path.indexOf(name)), name].join(' → ')}: a cycle`)
      return
    }
    state.set(name, 'open')
    for (const next of graph.get(name) ?? []) if (graph.has(next)) visit(next, [...path, name])
    state.set(name, 'done')
  }
  for (const name of [...graph.keys()].sort()) visit(name, [])
  return found
}
