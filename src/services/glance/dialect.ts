// Glance's way of saying no: webob's JSON form.
import { Fault } from '#kernel/contract/fault.ts'
import { dialect } from '#kernel/http/dialect.ts'

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  410: 'Gone',
  413: 'Request Entity Too Large',
  415: 'Unsupported Media Type',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  503: 'Service Unavailable',
}
/**
 * compat: python-glanceclient accepts anything and then breaks at JSON errors, since upstream answers it in HTML. Others that do not
 * ask for HTML get JSON.
 */
const readsHtml = (headers: Readonly<Record<string, string | undefined>>): boolean => {
  const accept = headers['accept'] ?? ''
  if (/json/.test(accept)) return false
  return /text\/html/.test(accept) || /glanceclient/.test(headers['user-agent'] ?? '')
}
const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
const html = (head: string, message: string): string =>
  `<html>\n <head>\n  <title>${head}</title>\n </head>\n <body>\n  <h1>${head}</h1>\n  ${escaped(message)}<br /><br />\n\n\n </body>\n</html>`

/** The noun a body of this path is one of, as upstream's schemas are called. */
function noun(path: string): string {
  const found = /^\/v2\/metadefs\/namespaces(?:\/[^/]+(?:\/([^/]+))?)?/.exec(path)
  if (path.startsWith('/v2/tasks')) return 'task'
  if (found === null) return 'image'
  return (
    { objects: 'object', properties: 'property', tags: 'tag', resource_types: 'resource_type_association' }[
      found[1] ?? ''
    ] ?? 'namespace'
  )
}
export const glanceDialect = dialect({
  envelope(fault, view) {
    if (fault.status === 401) return { error: { code: 401, title: 'Unauthorized', message: fault.message } }
    const title = TITLES[fault.status] ?? 'Error'
    const message = fault.message.replace(/^(Provided object does not match schema )'image'/, `$1'${noun(view.path)}'`)
    if (readsHtml(view.headers)) return html(`${fault.status} ${title}`, message)
    return { message, code: `${fault.status} ${title}`, title }
  },
  forbidden: () => new Fault('Forbidden', 403, 'You are not authorized to complete this action.'),
  invalidBody: problem =>
    new Fault(
      'BadRequest',
      400,
      `Provided object does not match schema 'image': ${problem.message}${problem.path.length === 0 ? '' : ` (at ${problem.path.join('.')})`}`,
    ),
  invalidQuery: problem =>
    new Fault('BadRequest', 400, `Invalid value for option ${problem.path.join('.')}: ${problem.message}`),
  malformed: says => new Fault('BadRequest', 400, `Malformed JSON in request body: ${says}`),
})
