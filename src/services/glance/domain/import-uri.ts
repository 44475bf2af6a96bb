// Which addresses an image may be fetched from, by scheme, host and port. (The door judges the resolved address too.)

export interface UriRules {
  readonly schemes: readonly string[]
  readonly hosts: readonly string[]
  readonly notHosts: readonly string[]
  readonly ports: readonly string[]
}
const USUAL: Readonly<Record<string, string>> = { 'http:': '80', 'https:': '443' }

/** May this be asked? The same is asked of every redirect. */
export function permits(rules: UriRules, url: URL): boolean {
  const scheme = url.protocol.replace(/:$/, '')
  const host = url.hostname.toLowerCase().replace(/\.$/, '')
  const port = url.port === '' ? (USUAL[url.protocol] ?? '') : url.port
  if (!rules.schemes.includes(scheme) || host === '' || url.username !== '' || url.password !== '') return false
  if (rules.hosts.length > 0 ? !rules.hosts.includes(host) : rules.notHosts.includes(host)) return false
  return rules.ports.length === 0 || rules.ports.includes(port)
}
export const permitsText = (rules: UriRules, address: unknown): boolean =>
  typeof address === 'string' && address.length <= 4096 && URL.canParse(address) && permits(rules, new URL(address))
