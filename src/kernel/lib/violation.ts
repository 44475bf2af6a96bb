// What an audit finds: a ledger that disagrees with another, or with the machine.

export interface Violation {
  /** The invariant of the fault catalogue: `I-06`. */
  readonly ledger: string
  /** What it is about: an id, a device, a file. */
  readonly subject: string
  /** Both sides, in one sentence. */
  readonly says: string
}
/** Reads ledgers and compares; changes nothing. */
export type Audit = () => Promise<readonly Violation[]>
