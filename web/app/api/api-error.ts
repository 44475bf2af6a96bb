// A refusal as the page shows it. Each service words its errors in its own envelope; here they become one shape.

export class ApiError extends Error {
  /** The HTTP status; 0 when no answer came. */
  readonly status: number
  /** The id to search the logs for, where the service gave one. */
  readonly requestId: string | null

  constructor(status: number, message: string, requestId: string | null) {
    super(message)
    this.name = 'ApiError'
    this.status = status
    this.requestId = requestId
  }
}

/** The sentence inside an error body: Nova and Cinder `{badRequest:{message}}`, Keystone `{error}`, Neutron `{NeutronError}`,
 * Placement `{errors:[{detail}]}`, Glance a page or plain text. Null when there is none. */
export function messageOf(body: unknown): string | null {
  if (typeof body === 'string') return plain(body)
  if (typeof body !== 'object' || body === null) return null
  const own = field(body)
  if (own !== null) return own
  for (const value of Object.values(body)) {
    const inner = Array.isArray(value) ? field(value[0]) : field(value)
    if (inner !== null) return inner
    if (typeof value === 'string' && value !== '') return value
  }
  return null
}

function field(value: unknown): string | null {
  if (typeof value !== 'object' || value === null) return null
  const { message, detail } = value as { message?: unknown; detail?: unknown }
  if (typeof message === 'string' && message !== '') return plain(message)
  return typeof detail === 'string' && detail !== '' ? plain(detail) : null
}

function plain(text: string): string | null {
  const words = text
    .replace(/<(title|style)[^>]*>.*?<\/\1>/gis, ' ')
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim()
  return words === '' ? null : words.slice(0, 600)
}
