// Nova's way of saying no: `{"badRequest": {"code": 400, "message": "…"}}`.
import { Fault } from '#kernel/contract/fault.ts'
import { dialect } from '#kernel/http/dialect.ts'

const WORDS: Readonly<Record<number, string>> = {
  400: 'badRequest',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'itemNotFound',
  405: 'badMethod',
  406: 'computeFault',
  409: 'conflictingRequest',
  413: 'overLimit',
  415: 'badMediaType',
  429: 'overLimit',
  501: 'notImplemented',
  503: 'serviceUnavailable',
}

export const novaDialect = dialect({
  envelope(fault) {
    // keystonemiddleware answers before Nova does
    if (fault.status === 401) return { error: { code: 401, title: 'Unauthorized', message: fault.message } }
    // Negotiation fails in middleware of its own, in the API working group's form.
    if (fault.code === 'InvalidGlobalAPIVersion') {
      return {
        errors: [
          {
            request_id: '',
            code: 'compute.microversion-unsupported',
            status: 406,
            title: 'Requested microversion is unsupported',
            detail: fault.message,
          },
        ],
        computeFault: { code: 406, message: fault.message },
      }
    }
    return { [WORDS[fault.status] ?? 'computeFault']: { code: fault.status, message: fault.message, ...fault.extra } }
  },
  internal: requestId =>
    new Fault('UnexpectedAPIError', 500, `Unexpected API Error. Look in the log of nova-api for request ${requestId}.`),
})
