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
export const glanceDialect = dialect({
  envelope(fault) {
    if (fault.status === 401) return { error: { code: 401, title: 'Unauthorized', message: fault.message } }
    const title = TITLES[fault.status] ?? 'Error'
    return { message: fault.message, code: `${fault.status} ${title}`, title }
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
