// `If-Match: revision_number=3`: the change is wanted only while nobody else has changed it.
import { faults } from '#services/neutron/contract/faults.ts'

/** @throws RevisionNumberConstraintFailed when another revision is wanted than is there. */
export function constrain(current: number, wanted: number | null): void {
  if (wanted !== null && wanted !== current) throw faults.RevisionNumberConstraintFailed({ expected: wanted, current })
}
