// Cinder's way of saying no: `{"badRequest": {"code": 400, "message": "…"}}`.
import { Fault } from '#kernel/contract/fault.ts'
import { dialect } from '#kernel/http/dialect.ts'

const WORDS: Readonly<Record<number, string>> = {
  400: 'badRequest',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'itemNotFound',
  405: 'badMethod',
  409: 'conflictingRequest',
  413: 'overLimit',
  415: 'badMediaType',
  501: 'notImplemented',
  503: 'serviceUnavailable',
}

export const cinderDialect = dialect({
  envelope(fault) {
    // keystonemiddleware answers before Cinder does
    if (fault.status === 401) return { error: { code: 401, title: 'Unauthorized', message: fault.message } }
    return {
      [WORDS[fault.status] ?? 'computeFault']: {
        code: fault.status,
        message: fault.message,
        ...(fault.status === 413 ? { retryAfter: fault.headers['retry-after'] ?? '0' } : {}),
        ...fault.extra,
      },
    }
  },
  malformed: says => new Fault('MalformedRequestBody', 400, `Malformed request body: ${says}`),
  wrongMediaType: () => new Fault('InvalidContentType', 400, 'Unsupported Content-Type'),
  internal: () =>
    new Fault(
      'InternalError',
      500,
      'The server has either erred or is incapable of performing the requested operation.',
    ),
})
