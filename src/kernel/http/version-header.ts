// Microversion negotiation: read the header, settle a version, repeat it in the answer.
import { versionText, type VersionNumber } from '#kernel/contract/version.ts'
import type { ServiceDefinition } from '#kernel/http/service.ts'

/**
 * The version in force: from `OpenStack-API-Version: TYPE X.Y` (several services may share the header), else from the older
 * header, else the minimum. `latest` is the maximum. 0 for services without microversions.
 * Throws the dialect's badVersion (400) or unsupportedVersion (406).
 */
export function negotiate(
  service: ServiceDefinition,
  headers: Readonly<Record<string, string | undefined>>,
): VersionNumber {
  const { versions, dialect } = service
  if (versions === null) return 0
  let wanted: string | undefined
  const header = headers['openstack-api-version']
  if (header !== undefined) {
    for (const part of header.split(',')) {
      const [type, version, ...rest] = part.trim().split(/\s+/)
      if (type?.toLowerCase() === versions.type)
        wanted = rest.length > 0 || version === undefined ? part.trim() : version
    }
  }
  if (wanted === undefined && service.legacyVersionHeader !== undefined)
    wanted = headers[service.legacyVersionHeader]?.trim()
  if (wanted === undefined) return versions.min
  if (wanted.toLowerCase() === 'latest') return versions.max
  const match = /^([1-9]\d{0,2})\.([1-9]\d{0,2}|0)$/.exec(wanted)
  if (match === null) throw dialect.badVersion(wanted)
  const version = Number(match[1]) * 1000 + Number(match[2])
  if (version < versions.min || version > versions.max)
    throw dialect.unsupportedVersion(wanted, versions.min, versions.max)
  return version
}

/** The headers that tell the client which version was used. */
export function versionHeaders(service: ServiceDefinition, at: VersionNumber): Record<string, string> {
  const { versions, legacyVersionHeader, varyName = 'OpenStack-API-Version' } = service
  if (versions === null) return {}
  const text = versionText(at)
  return {
    'openstack-api-version': `${versions.type} ${text}`,
    ...(legacyVersionHeader === undefined ? {} : { [legacyVersionHeader]: text }),
    vary: legacyVersionHeader === undefined ? varyName : `${varyName}, ${legacyVersionHeader}`,
  }
}
