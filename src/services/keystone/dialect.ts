// How identity speaks of errors: `{"error": {"code", "message", "title"}}`.
import { Fault } from '#kernel/contract/fault.ts'
import { dialect } from '#kernel/http/dialect.ts'
import type { Problem } from '#kernel/http/validation.ts'
import { faults } from '#services/keystone/contract/faults.ts'

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

const wrong = (problem: Problem): Fault =>
  faults.ValidationError({
    detail:
      problem.path.length === 0
        ? problem.message
        : `Invalid input for field '${problem.path.join('/')}': ${problem.message}`,
  })

export const keystoneDialect = dialect({
  envelope: fault => ({
    error: {
      code: fault.status,
      message: fault.message,
      title: TITLES[fault.status] ?? 'Error',
      ...fault.extra,
    },
  }),
  unauthorized: () => faults.Unauthorized(),
  forbidden: rule => faults.ForbiddenAction({ action: rule.name }),
  invalidBody: wrong,
  invalidQuery: wrong,
  malformed: says => faults.ValidationError({ detail: `Expecting to find valid JSON rather than this: ${says}` }),
  wrongMediaType: type => new Fault('UnsupportedMediaType', 415, `The media type ${type} is not supported.`),
  notFound: () =>
    new Fault(
      'NotFound',
      404,
      'The requested URL was not found on the server. If you entered the URL manually please check your spelling and try again.',
    ),
  methodNotAllowed: (_method, allowed) =>
    new Fault('MethodNotAllowed', 405, 'The method is not allowed for the requested URL.', {
      headers: { allow: allowed.join(', ') },
    }),
  notBuilt: () => new Fault('NotImplemented', 501, 'The action you have requested has not been implemented.'),
  tooLarge: () => new Fault('RequestTooLarge', 413, 'Request is too large.'),
  internal: () =>
    new Fault('UnexpectedError', 500, 'An unexpected error prevented the server from fulfilling your request.'),
})
