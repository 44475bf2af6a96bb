// How Placement speaks of errors: `{"errors": [{status, title, detail, request_id, code}]}`, HTML for browsers, and which media
// types it takes and gives.
import type { Fault } from '#kernel/contract/fault.ts'
import type { AnyRoute } from '#kernel/contract/route.ts'
import { versionNumber, versionText } from '#kernel/contract/version.ts'
import type { HttpCall } from '#kernel/http/call.ts'
import { dialect, type FaultView } from '#kernel/http/dialect.ts'
import { pythonRepr, type Problem } from '#kernel/http/validation.ts'
import { errorCodes, faults } from '#services/placement/contract/faults.ts'
import { versions } from '#services/placement/contract/versions.ts'

const CODES_SINCE = versionNumber('1.23')

interface Words {
  readonly title: string
  /** What stands before the detail. compat: webob's own sentences, which clients have printed for years. */
  readonly explains: (view: FaultView) => string
}
const WORDS: Readonly<Record<number, Words>> = {
  400: {
    title: 'Bad Request',
    explains: () => 'The server could not comply with the request since it is either malformed or otherwise incorrect.',
  },
  403: { title: 'Forbidden', explains: () => 'Access was denied to this resource.' },
  404: { title: 'Not Found', explains: () => 'The resource could not be found.' },
  405: { title: 'Method Not Allowed', explains: view => `The method ${view.method} is not allowed for this resource.` },
  406: {
    title: 'Not Acceptable',
    explains: view =>
      `The resource could not be generated that was acceptable to your browser (content of type ${view.headers['accept'] ?? '*/*'}.`,
  },
  409: { title: 'Conflict', explains: () => 'There was a conflict when trying to complete your request.' },
  413: {
    title: 'Request Entity Too Large',
    explains: () => 'The body of your request was too large for this server.',
  },
  415: {
    title: 'Unsupported Media Type',
    explains: view =>
      `The request media type ${view.headers['content-type'] ?? 'None'} is not supported by this server.`,
  },
  500: {
    title: 'Internal Server Error',
    explains: () => 'The server has either erred or is incapable of performing the requested operation.',
  },
  501: {
    title: 'Not Implemented',
    explains: view => `The request method ${view.method} is not implemented for this server.`,
  },
  503: {
    title: 'Service Unavailable',
    explains: () => 'The server is currently unavailable. Please try again at a later time.',
  },
}

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

function envelope(fault: Fault, view: FaultView): unknown {
  if (fault.status === 401) return { error: { code: 401, title: 'Unauthorized', message: fault.message } }
  const words = WORDS[fault.status] ?? { title: 'Error', explains: () => '' }
  const says = words.explains(view)
  const detail = fault.message.replaceAll('\n', ' ')
  if (preferred(view.headers['accept']) === 'html') {
    const head = `${fault.status} ${words.title}`
    return `<html>\n <head>\n  <title>${head}</title>\n </head>\n <body>\n  <h1>${head}</h1>\n  ${escaped(says)}<br /><br />\n${escaped(detail)}\n </body>\n</html>`
  }
  return {
    errors: [
      {
        status: fault.status,
        title: words.title,
        detail: `${says}\n\n ${detail}  `,
        ...(view.at >= CODES_SINCE ? { code: errorCodes[fault.code] ?? 'placement.undefined_code' } : {}),
        request_id: view.requestId,
        ...fault.extra,
      },
    ],
  }
}

/** One media range of an Accept header and how much it is wanted. */
const ranges = (accept: string): { type: string; quality: number }[] =>
  accept.split(',').map(part => {
    const [type = '', ...parameters] = part.split(';').map(piece => piece.trim().toLowerCase())
    const quality = parameters.find(parameter => parameter.startsWith('q='))
    return { type, quality: quality === undefined ? 1 : Number(quality.slice(2)) || 0 }
  })
const wants = (accept: string, type: string): number => {
  const [kind = ''] = type.split('/')
  const found = ranges(accept)
  const exact = found.find(range => range.type === type)
  return (
    (exact ?? found.find(range => range.type === `${kind}/*`) ?? found.find(range => range.type === '*/*'))?.quality ??
    0
  )
}
/** What an error is written in: HTML only for those who ask for it rather than for JSON by name. */
const preferred = (accept: string | undefined): 'html' | 'json' =>
  accept !== undefined && accept.includes('text/html') && wants(accept, 'text/html') > wants(accept, 'application/json')
    ? 'html'
    : 'json'

/** compat: the whole of jsonschema's report, whose parts clients look for. */
export function report(problem: Problem): string {
  const keyword = problem.schemaPath.at(-1) ?? problem.keyword
  const path = (parts: readonly (string | number)[]): string => parts.map(part => `[${pythonRepr(part)}]`).join('')
  return `${problem.message}\n\nFailed validating ${pythonRepr(keyword)} in schema${path(problem.schemaPath.slice(0, -1))}\n\nOn instance${path(problem.path)}:\n    ${problem.value}`
}

const unacceptable = (version: string): Fault =>
  faults.UnacceptableVersion(
    { version },
    { extra: { max_version: versionText(versions.max), min_version: versionText(versions.min) } },
  )

export const placementDialect = dialect({
  envelope,
  forbidden: rule => faults.Forbidden({ rule: rule.name }),
  invalidBody: problem => faults.ValidationError({ detail: report(problem) }),
  invalidQuery: problem => faults.QueryInvalid({ detail: report(problem) }),
  malformed: says => faults.Malformed({ detail: says }),
  wrongMediaType: type => faults.UnsupportedMediaType({ type }),
  notFound: () => faults.NotFound(),
  methodNotAllowed: (_method, allowed) => faults.MethodNotAllowed({ headers: { allow: allowed.join(', ') } }),
  notBuilt: () => faults.NotBuilt(),
  // compat: any two numbers are a version, though perhaps not one of ours.
  badVersion: text => (/^\d+\.\d+$/.test(text) ? unacceptable(text) : faults.BadVersion({ version: text })),
  unsupportedVersion: unacceptable,
  tooLarge: () => faults.TooLarge(),
  internal: requestId => faults.Internal({ requestId }),
  unavailable: says => faults.Unavailable({ detail: says }, { headers: { 'retry-after': '1' } }),
})

/** Refuses a request whose body is not called JSON (400, 415), or that wants no JSON in answer (406). */
export function media(call: HttpCall, route: AnyRoute): void {
  const type = call.headers['content-type']
  const length = call.headers['content-length']
  if (length !== undefined && Number(length) > 0 && (type === undefined || type === ''))
    throw faults.ContentTypeNeeded()
  if (route.body !== null && type?.split(';')[0]?.trim().toLowerCase() !== 'application/json')
    throw faults.UnsupportedMediaType({ type: type === undefined || type === '' ? 'None' : type })
  const accept = call.headers['accept']
  if (
    route.reply !== null &&
    route.method === 'GET' &&
    route.policy !== 'public' &&
    accept !== undefined &&
    accept !== ''
  )
    if (wants(accept, 'application/json') === 0) throw faults.NotAcceptable()
}
