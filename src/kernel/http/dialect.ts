// How a service speaks of what went wrong: its envelope, and the sentences of faults that the pipeline itself finds.
import { Fault } from '#kernel/contract/fault.ts'
import type { Rule } from '#kernel/contract/rule.ts'
import { versionText, type VersionNumber } from '#kernel/contract/version.ts'
import type { Problem } from '#kernel/http/validation.ts'

export interface FaultView {
  readonly requestId: string
  /** The version in force; 0 for services without microversions or before one was settled. */
  readonly at: VersionNumber
  readonly method: string
  readonly path: string
  /** The request's headers, lower-case names: some services name what they did not like, or answer browsers in HTML. */
  readonly headers: Readonly<Record<string, string | undefined>>
}

export interface Dialect {
  /** The body of an error answer. */
  envelope(fault: Fault, view: FaultView): unknown
  /** No or a bad token. Default: keystonemiddleware's own body. */
  unauthorized(): Fault
  forbidden(rule: Rule): Fault
  /** The body is not what the shape says. */
  invalidBody(problem: Problem): Fault
  invalidQuery(problem: Problem): Fault
  /** Not JSON, or JSON with NUL characters, nested too deeply, … */
  malformed(says: string): Fault
  wrongMediaType(type: string): Fault
  notFound(): Fault
  methodNotAllowed(method: string, allowed: readonly string[]): Fault
  /** The action's name is unknown at this version. */
  noSuchAction(name: string): Fault
  /** An operation upstream has and this version of Koto does not. */
  notBuilt(method: string, path: string): Fault
  badVersion(text: string): Fault
  unsupportedVersion(text: string, min: VersionNumber, max: VersionNumber): Fault
  tooLarge(limit: number): Fault
  /** Anything that was not a Fault. */
  internal(requestId: string): Fault
  /** The database or a neighbour cannot be reached just now. */
  unavailable(says: string): Fault
}

const pathText = (problem: Problem): string => problem.path.join('.')

/** Upstream's common wording (Nova's, Cinder's); services replace what differs in theirs. */
export function dialect(own: Pick<Dialect, 'envelope'> & Partial<Dialect>): Dialect {
  return {
    unauthorized: () => new Fault('Unauthorized', 401, 'The request you have made requires authentication.'),
    forbidden: rule => new Fault('Forbidden', 403, `Policy doesn't allow ${rule.name} to be performed.`),
    invalidBody: problem =>
      new Fault(
        'ValidationError',
        400,
        problem.keyword === 'additionalProperties' || problem.keyword === 'required'
          ? problem.message
          : problem.path.length === 0
            ? `Invalid input received: ${problem.message}`
            : `Invalid input for field/attribute ${String(problem.path.at(-1))}. Value: ${problem.value.replace(/^'(.*)'$/s, '$1')}. ${problem.message}`,
      ),
    invalidQuery: problem =>
      new Fault(
        'ValidationError',
        400,
        problem.keyword === 'additionalProperties'
          ? problem.message
          : `Invalid input for query parameters ${pathText(problem)}. Value: ${problem.value.replace(/^'(.*)'$/s, '$1')}. ${problem.message}`,
      ),
    malformed: says => new Fault('MalformedRequestBody', 400, `Malformed request body: ${says}`),
    wrongMediaType: type => new Fault('UnsupportedMediaType', 415, `Unsupported Content-Type ${type}`),
    notFound: () => new Fault('NotFound', 404, 'The resource could not be found.'),
    methodNotAllowed: (_method, allowed) =>
      new Fault('MethodNotAllowed', 405, 'The method specified is not allowed for this resource.', {
        headers: { allow: allowed.join(', ') },
      }),
    noSuchAction: name => new Fault('NoSuchAction', 400, `There is no such action: ${name}`),
    notBuilt: () =>
      new Fault('NotImplemented', 501, 'Unable to implement the requested operation for this build type.'),
    badVersion: text =>
      new Fault(
        'InvalidAPIVersionString',
        400,
        `API Version String ${text} is of invalid format. Must be of format MajorNum.MinorNum.`,
      ),
    unsupportedVersion: (text, min, max) =>
      new Fault(
        'InvalidGlobalAPIVersion',
        406,
        `Version ${text} is not supported by the API. Minimum is ${versionText(min)} and maximum is ${versionText(max)}.`,
      ),
    tooLarge: () => new Fault('RequestTooLarge', 413, 'Request is too large.'),
    internal: requestId =>
      new Fault(
        'UnexpectedAPIError',
        500,
        `Unexpected API Error. Please report it with the log of request ${requestId}.`,
      ),
    unavailable: says => new Fault('ServiceUnavailable', 503, says, { headers: { 'retry-after': '1' } }),
    ...own,
  }
}
