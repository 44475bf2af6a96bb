// The audit: every ledger against the others and against the machine. Each service knows its own; what lies between is here.
import type { Violation } from '#kernel/lib/violation.ts'
import type { Cloud } from '#main/create-cloud.ts'
import { auditNova } from '#main/audit-nova.ts'

/** How long work under way is given between one ledger's line and the other's. */
const BREATH_MS = 300

/** All violations; empty when the cloud is sound. Reads only. What is gone at a second look was work under way. */
export async function audits(cloud: Cloud): Promise<readonly Violation[]> {
  const first = await look(cloud)
  if (first.length === 0) return first
  await cloud.platform.clock.sleep(BREATH_MS)
  const seen = new Set(first.map(nameOf))
  return (await look(cloud)).filter(violation => seen.has(nameOf(violation)))
}

const nameOf = ({ ledger, subject, says }: Violation): string => `${ledger} ${subject} ${says}`

async function look(cloud: Cloud): Promise<Violation[]> {
  const found: Violation[] = []
  const tell = async (name: string, part: () => Promise<readonly Violation[]>): Promise<void> => {
    try {
      found.push(...(await part()))
    } catch (error) {
      found.push({ ledger: 'audit', subject: name, says: `its own audit failed: ${(error as Error).message}` })
    }
  }
  for (const part of cloud.parts) {
    const { audit } = part
    if (audit !== undefined) await tell(part.definition.name, audit)
  }
  for (const database of cloud.platform.databases) {
    for (const says of await database.check()) found.push({ ledger: 'I-31', subject: database.name, says })
  }
  await tell('nova', () => auditNova(cloud))
  return found
}
