// DevStack's settings files, localrc and local.conf: the safe part of shell assignments, read without a shell.
import { Refusal } from '#kernel/config/refusal.ts'

export interface Localrc {
  readonly variables: ReadonlyMap<string, string>
  /** In the order they were named; a later line wins over an earlier one. */
  readonly enabled: ReadonlySet<string>
  readonly disabled: ReadonlySet<string>
  /** `[[post-config|$NOVA_CONF]]` lines as `nova.option` → text. */
  readonly settings: readonly (readonly [string, string])[]
  /** Lines understood and left out, each a sentence. */
  readonly ignored: readonly string[]
}

const ASSIGN = /^(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)(\+?)=(.*)$/s
const SECTION = /^\[\[\s*([^|\]]+?)\s*\|\s*(.+?)\s*\]\]$/
const IGNORED = /^(enable_plugin|set|unset|source|\.|define_plugin|plugin_requires)(\s|$)/

/**
 * Reads a localrc, or a local.conf with its `[[phase|file]]` sections. `outer` are variables that `$NAME` may also mean.
 * @throws Refusal naming the file and the line for anything that only a shell could carry out.
 */
export function parseLocalrc(
  text: string,
  file: string,
  outer: Readonly<Record<string, string | undefined>> = {},
): Localrc {
  const variables = new Map<string, string>()
  const enabled = new Set<string>()
  const disabled = new Set<string>()
  const settings: [string, string][] = []
  const ignored: string[] = []
  const turn = (names: readonly string[], on: boolean): void => {
    for (const name of names) {
      ;(on ? enabled : disabled).add(name)
      ;(on ? disabled : enabled).delete(name)
    }
  }
  const words = (list: string): string[] => list.split(/[\s,]+/).filter(word => word !== '')

  let phase: { name: string; service: string | null } = { name: 'local', service: null }
  for (const { line, number } of logicalLines(text)) {
    const where = `${file} line ${number}`
    const section = SECTION.exec(line)
    if (section !== null) {
      phase = { name: section[1] ?? '', service: serviceOf(section[2] ?? '') }
      continue
    }
    if (phase.name !== 'local') {
      const setting = /^([A-Za-z0-9_.-]+)\s*=\s*(.*)$/.exec(line)
      if (setting === null) continue
      if (phase.service === null) ignored.push(`${where}: ${setting[1]} is for a program that Koto does not have.`)
      else settings.push([`${phase.service}.${setting[1]}`, (setting[2] ?? '').trim()])
      continue
    }
    const assign = ASSIGN.exec(line)
    if (assign !== null) {
      const [, name = '', plus = '', raw = ''] = assign
      const value = expand(raw, where, wanted => variables.get(wanted) ?? outer[wanted])
      variables.set(name, plus === '+' ? (variables.get(name) ?? '') + value : value)
      if (name === 'ENABLED_SERVICES') {
        turn(
          words(value).filter(word => !word.startsWith('-')),
          true,
        )
        turn(
          words(value)
            .filter(word => word.startsWith('-'))
            .map(word => word.slice(1)),
          false,
        )
      }
      if (name === 'DISABLED_SERVICES') turn(words(value), false)
      continue
    }
    const service = /^(enable|disable)_service\s+(.*)$/.exec(line)
    if (service !== null) {
      turn(
        words(expand(service[2] ?? '', where, wanted => variables.get(wanted) ?? outer[wanted], true)),
        service[1] === 'enable',
      )
      continue
    }
    if (line === 'disable_all_services') {
      ignored.push(`${where}: disable_all_services has no meaning here; name services with disable_service.`)
      continue
    }
    const known = IGNORED.exec(line)
    if (known !== null) {
      ignored.push(`${where}: ${known[1]} is left out; Koto carries out no shell and fetches no plugins.`)
      continue
    }
    throw new Refusal(
      `${where}: only NAME=value, enable_service and disable_service are understood, not: ${line.slice(0, 60)}`,
    )
  }
  return { variables, enabled, disabled, settings, ignored }
}

/** Lines without comments and blanks; a backslash at the end joins the next; a quote may run over several. */
function logicalLines(text: string): { line: string; number: number }[] {
  const found: { line: string; number: number }[] = []
  const raw = text.replaceAll('\r\n', '\n').split('\n')
  for (let i = 0; i < raw.length; i++) {
    const number = i + 1
    let line = raw[i] ?? ''
    if (line.trim() === '' || line.trimStart().startsWith('#')) continue
    while ((line.endsWith('\\') || openQuote(line)) && i + 1 < raw.length) {
      i += 1
      line = line.endsWith('\\') ? line.slice(0, -1) + (raw[i] ?? '') : `${line}\n${raw[i] ?? ''}`
    }
    found.push({ line: line.trim(), number })
  }
  return found
}

function openQuote(line: string): boolean {
  let open = ''
  for (let i = 0; i < line.length; i++) {
    const letter = line[i] ?? ''
    if (open === '' && letter === '#' && /\s/.test(line[i - 1] ?? ' ')) return false
    if (letter === '\\' && open !== "'") i += 1
    else if (open === '' && (letter === '"' || letter === "'")) open = letter
    else if (letter === open) open = ''
  }
  return open !== ''
}

/** The value of a shell word: quotes removed, `$NAME`, `${NAME}` and `${NAME:-else}` replaced; with `blanks`, several words. */
function expand(raw: string, where: string, look: (name: string) => string | undefined, blanks = false): string {
  let value = ''
  let quote = ''
  for (let i = 0; i < raw.length; i++) {
    const letter = raw[i] ?? ''
    if (quote === "'") {
      if (letter === "'") quote = ''
      else value += letter
    } else if (letter === '\\') {
      const next = raw[i + 1] ?? ''
      value += quote === '"' && !'"\\$`'.includes(next) ? `\\${next}` : next
      i += 1
    } else if (letter === '"') {
      quote = quote === '"' ? '' : '"'
    } else if (letter === "'" && quote === '') {
      quote = "'"
    } else if (letter === '`' || (letter === '$' && raw[i + 1] === '(')) {
      throw new Refusal(`${where}: commands inside a value are not carried out; write the value itself.`)
    } else if (letter === '$') {
      const rest = raw.slice(i)
      const match = /^\$([A-Za-z_]\w*)|^\$\{([A-Za-z_]\w*)(?::?-([^}]*))?\}/.exec(rest)
      if (match === null) {
        if (rest.startsWith('${'))
          throw new Refusal(`${where}: of \${…} only \${NAME} and \${NAME:-else} are understood.`)
        value += letter
        continue
      }
      const found = look(match[1] ?? match[2] ?? '')
      const orElse = match[3] === undefined ? '' : expand(match[3], where, look, true)
      value += found === undefined || found === '' ? orElse : found
      i += match[0].length - 1
    } else if (quote === '' && /\s/.test(letter)) {
      const rest = raw.slice(i).trim()
      if (rest === '' || rest.startsWith('#')) break
      if (!blanks) throw new Refusal(`${where}: a value with blanks needs quotes.`)
      value += letter
    } else if (quote === '' && ';&|<>()'.includes(letter)) {
      throw new Refusal(`${where}: «${letter}» is for a shell; put the value in quotes.`)
    } else {
      value += letter
    }
  }
  if (quote !== '') throw new Refusal(`${where}: a quote is opened and never closed.`)
  return value
}

/** `$NOVA_CONF`, `/etc/nova/nova.conf` → `nova`; null for programs that are not ours. */
function serviceOf(file: string): string | null {
  const match = /(keystone|glance|placement|nova|neutron|cinder)/i.exec(file)
  return match === null ? null : (match[1] ?? '').toLowerCase()
}

const DEVSTACK_SERVICES: Readonly<Record<string, string>> = {
  key: 'keystone',
  'g-api': 'glance',
  'g-reg': 'glance',
  'n-api': 'nova',
  'n-cpu': 'nova',
  'n-sch': 'nova',
  'n-cond': 'nova',
  'n-novnc': 'novnc',
  'placement-api': 'placement',
  'placement-client': 'placement',
  'q-svc': 'neutron',
  'neutron-api': 'neutron',
  'c-api': 'cinder',
  'c-sch': 'cinder',
  'c-vol': 'cinder',
  'c-bak': 'cinder-backup',
}

/** DevStack's short names together with the services they stand for: `c-api` → `c-api`, `cinder`. */
export function withFullNames(names: Iterable<string>): Set<string> {
  const all = new Set<string>()
  for (const name of names) {
    all.add(name)
    const full = DEVSTACK_SERVICES[name]
    if (full !== undefined) all.add(full)
  }
  return all
}
