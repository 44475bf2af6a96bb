// The death of a process, as tests play it inside one: an error that nobody may catch and go on from.

/** The process is dead as far as the core is concerned: whoever sees it stops at once and writes nothing more. */
export class ProcessDeath extends Error {
  readonly code = 'ProcessDeath'
  readonly status = 500
  constructor(where: string) {
    super(`the process died at ${where}`)
    this.name = 'ProcessDeath'
  }
}
