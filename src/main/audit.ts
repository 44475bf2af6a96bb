// The audit: every ledger against the others and against the machine. Each service knows its own; what lies between is here.
import type { Violation } from '#kernel/lib/violation.ts'
import type { Cloud } from '#main/create-cloud.ts'
import { auditNova } from '#main/audit-nova.ts'

/** All violations; empty when the cloud is sound. Reads only. */
export async function audits(cloud: Cloud): Promise<readonly Violation[]> {
  const found: Violation[] = []
  for (const part of cloud.parts) {
    if (part.audit === undefined) continue
    try {
      found.push(...(await part.audit()))
    } catch (error) {
      found.push({
        ledger: 'audit',
        subject: part.definition.name,
        says: `its own audit failed: ${(error as Error).message}`,
      })
    }
  }
  for (const database of cloud.platform.databases) {
    for (const says of await database.check()) found.push({ ledger: 'I-31', subject: database.name, says })
  }
  found.push(...(await auditNova(cloud)))
  return found
}
