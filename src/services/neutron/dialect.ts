// How Neutron speaks of what went wrong: `{"NeutronError": {"type", "message", "detail"}}`, and its validators' sentences.
import { Fault } from '#kernel/contract/fault.ts'
import { dialect } from '#kernel/http/dialect.ts'
import type { Problem } from '#kernel/http/validation.ts'
import { faults } from '#services/neutron/contract/faults.ts'

/** `'%s' % value`: text without the quotes that repr puts around it. */
const plain = (problem: Problem): string => problem.value.replace(/^'(.*)'$/s, '$1').replace(/^"(.*)"$/s, '$1')

/** The validator's words for a value that is not what the attribute's row says. */
function reasonOf(problem: Problem): string {
  const it = plain(problem)
  const { params } = problem
  switch (problem.keyword) {
    case 'type': {
      const types = String(params['type'])
      if (types.includes('array')) return `'${it}' is not a list`
      if (types.includes('object')) return `'${it}' is not a dictionary`
      return `'${it}' is not a valid string`
    }
    case 'maxLength':
      return `'${it}' exceeds maximum length of ${String(params['limit'])}`
    case 'minLength':
      return `'${it}' Blank strings are not permitted`
    case 'pattern':
      return `'${it}' is not a valid string`
    case 'format':
      switch (params['format']) {
        case 'uuid':
          return `'${it}' is not a valid UUID`
        case 'mac-address':
          return `'${it}' is not a valid MAC address`
        case 'ip':
          return `'${it}' is not a valid IP address`
        default:
          return `'${it}' is not a valid ${String(params['format'])}`
      }
    case 'enum':
      return `${it} is not in valid_values`
    case 'uniqueItems':
      return `Duplicate items in the list: '${it}'`
    case 'maxItems':
      return `'${it}' has more than ${String(params['limit'])} items`
    case 'additionalProperties':
      return `Unexpected keys supplied: ${String(params['additionalProperty'])}`
    case 'required':
      return `Validation of dictionary's keys failed. Expected keys: {'${String(params['missingProperty'])}'} Provided keys: ${keysOf(problem.value)}`
    default:
      return problem.message
  }
}
const keysOf = (repr: string): string =>
  `{${[...repr.matchAll(/'([^']*)':/g)].map(found => `'${found[1] ?? ''}'`).join(', ')}}`

const bad = (reason: string): Fault => faults.HTTPBadRequest({ reason })

/** What a resource's shape refuses. The path begins with the resource's name, in bulk with its plural and a number. */
function invalidBody(problem: Problem): Fault {
  const [whole, ...rest] = problem.path
  if (whole === undefined) {
    if (problem.keyword === 'required')
      return bad(`Unable to find '${String(problem.params['missingProperty'])}' in request body`)
    return bad('Body contains invalid data')
  }
  const path = typeof rest[0] === 'number' ? rest.slice(1) : rest
  const [attribute] = path
  if (attribute === undefined) {
    if (problem.keyword === 'required')
      return bad(
        `Failed to parse request. Required attribute '${String(problem.params['missingProperty'])}' not specified`,
      )
    if (problem.keyword === 'additionalProperties')
      return bad(`Unrecognized attribute(s) '${String(problem.params['additionalProperty'])}'`)
    if (problem.keyword === 'minItems') return bad('Resources required')
    return bad(
      problem.keyword === 'type' ? `Object '${String(whole)}' contains invalid data` : 'Body contains invalid data',
    )
  }
  if (problem.keyword === 'not') return bad(`Attribute '${String(attribute)}' not allowed in POST`)
  if (problem.keyword === 'false schema') return bad(`Cannot update read-only attribute ${String(attribute)}`)
  const allowed = problem.params['allowedValues']
  if (problem.keyword === 'enum' && Array.isArray(allowed) && allowed.includes(true))
    return faults.InvalidInput({ error_message: `'${plain(problem)}' cannot be converted to boolean` })
  if (
    problem.keyword === 'intLike' ||
    (problem.keyword === 'pattern' && problem.params['pattern'] === '^-?[0-9]+$') ||
    isNumber(problem)
  ) {
    if (!/^-?\d+$/.test(plain(problem)))
      return faults.InvalidInput({ error_message: `'${plain(problem)}' is not an integer` })
    if (/less than the minimum of 0$/.test(problem.message))
      return bad(`Invalid input for ${String(attribute)}. Reason: '${plain(problem)}' should be non-negative.`)
    const limit = /of (-?\d+)$/.exec(problem.message)?.[1] ?? ''
    const says = problem.message.includes('less')
      ? `'${plain(problem)}' is too small - must be at least '${limit}'`
      : `'${plain(problem)}' is too large - must be no larger than '${limit}'`
    return bad(`Invalid input for ${String(attribute)}. Reason: ${says}.`)
  }
  return bad(`Invalid input for ${String(attribute)}. Reason: ${reasonOf(problem)}.`)
}
const isNumber = (problem: Problem): boolean =>
  problem.keyword === 'type' && String(problem.params['type']).includes('integer')

export const neutronDialect = dialect({
  envelope: fault =>
    fault.status === 401
      ? { error: { code: 401, title: 'Unauthorized', message: fault.message } }
      : { NeutronError: { type: fault.code, message: fault.message, detail: '', ...fault.extra } },
  invalidBody,
  invalidQuery: problem => bad(`Invalid input for ${problem.path.join('.')}. Reason: ${reasonOf(problem)}.`),
  malformed: says =>
    bad(says === 'the body is empty' ? 'Resource body required' : `Body contains invalid data: ${says}`),
  wrongMediaType: type =>
    new Fault('HTTPUnsupportedMediaType', 415, `The request media type ${type} is not supported by this server.`),
  forbidden: rule => faults.PolicyNotAuthorized({ rules: `rule:${rule.name}` }),
  notFound: () => faults.HTTPNotFound(),
  methodNotAllowed: (method, allowed) =>
    new Fault('HTTPMethodNotAllowed', 405, `The method ${method} is not allowed for this resource.`, {
      headers: { allow: allowed.join(', ') },
    }),
  noSuchAction: () => faults.HTTPNotFound(),
  // An extension that is absent has no routes.
  notBuilt: () => faults.HTTPNotFound(),
  tooLarge: () => new Fault('HTTPRequestEntityTooLarge', 413, 'Request is too large.'),
  internal: () =>
    new Fault('HTTPInternalServerError', 500, 'Request Failed: internal server error while processing your request.'),
  unavailable: () =>
    new Fault('ServiceUnavailable', 503, 'The service is unavailable.', { headers: { 'retry-after': '1' } }),
})
