// What a person can mend: said in one sentence, without a stack, exit 1 unless another code is named.

/** Thrown anywhere on the way to a running cloud; `message` is the one sentence that the person reads. */
export class Refusal extends Error {
  readonly exitCode: number
  constructor(message: string, exitCode = 1) {
    super(message)
    this.name = 'Refusal'
    this.exitCode = exitCode
  }
}
