// How clients find the cloud: clouds.yaml and one openrc file per cloud entry, both with passwords, both 0600.
import type { StateDir } from '#host/node/state-dir.ts'

export interface CloudEntry {
  /** Its name in clouds.yaml. */
  readonly name: string
  readonly user: string
  /** Null for a system-scoped entry. */
  readonly project: string | null
}

/** The entries of every Koto cloud; the first is the default. */
export const CLOUD_ENTRIES: readonly CloudEntry[] = [
  { name: 'koto', user: 'demo', project: 'demo' },
  { name: 'koto-admin', user: 'admin', project: 'admin' },
  { name: 'koto-system', user: 'admin', project: null },
  { name: 'koto-reader', user: 'demo_reader', project: 'demo' },
  { name: 'koto-alt', user: 'alt_demo', project: 'alt_demo' },
]

export interface CloudAccess {
  /** `http://127.0.0.1:8080/identity/v3` */
  readonly authUrl: string
  readonly region: string
  /** All entries share it. */
  readonly password: string
}

/** The OS_* variables of one entry, in the order they are printed. */
export function cloudVariables(entry: CloudEntry, access: CloudAccess): Record<string, string> {
  return {
    OS_AUTH_URL: access.authUrl,
    OS_IDENTITY_API_VERSION: '3',
    OS_REGION_NAME: access.region,
    OS_USERNAME: entry.user,
    OS_PASSWORD: access.password,
    OS_USER_DOMAIN_NAME: 'Default',
    ...(entry.project === null
      ? { OS_SYSTEM_SCOPE: 'all' }
      : { OS_PROJECT_NAME: entry.project, OS_PROJECT_DOMAIN_NAME: 'Default' }),
    OS_AUTH_TYPE: 'password',
    OS_VOLUME_API_VERSION: '3',
  }
}

/** Variables that would make a client disregard those above. */
export const STRAY_VARIABLES = [
  'OS_CLOUD',
  'OS_TOKEN',
  'OS_PROJECT_ID',
  'OS_USER_ID',
  'OS_DOMAIN_NAME',
  'OS_TENANT_NAME',
]

const quoted = (value: string): string => `'${value.replaceAll("'", `'\\''`)}'`

/** Lines for a POSIX shell. */
export function exportLines(entry: CloudEntry, access: CloudAccess): string {
  const variables = cloudVariables(entry, access)
  const stray = [...STRAY_VARIABLES, 'OS_SYSTEM_SCOPE', 'OS_PROJECT_NAME', 'OS_PROJECT_DOMAIN_NAME'].filter(
    name => !(name in variables),
  )
  const exports = Object.entries(variables).map(([name, value]) => `export ${name}=${quoted(value)}`)
  return `unset ${stray.join(' ')}\n${exports.join('\n')}\n`
}

/** The text of clouds.yaml. JSON strings are YAML strings, so nothing needs more care in quoting. */
export function cloudsYaml(access: CloudAccess): string {
  const text = JSON.stringify
  const lines = ['clouds:']
  for (const { name, user, project } of CLOUD_ENTRIES) {
    lines.push(`  ${name}:`, '    auth:')
    lines.push(`      auth_url: ${text(access.authUrl)}`)
    lines.push(
      `      username: ${text(user)}`,
      `      password: ${text(access.password)}`,
      '      user_domain_name: Default',
    )
    if (project === null) lines.push('      system_scope: all')
    else lines.push(`      project_name: ${text(project)}`, '      project_domain_name: Default')
    lines.push(
      `    region_name: ${text(access.region)}`,
      '    interface: public',
      "    identity_api_version: '3'",
      "    volume_api_version: '3'",
    )
  }
  return `${lines.join('\n')}\n`
}

/** Writes `clouds.yaml` and `openrc/<cloud>.sh`. */
export function writeClouds(state: StateDir, access: CloudAccess): void {
  state.write('clouds.yaml', cloudsYaml(access))
  for (const entry of CLOUD_ENTRIES) state.write(`openrc/${entry.name}.sh`, exportLines(entry, access))
}
