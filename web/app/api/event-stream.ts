// Server-sent events read from a fetch: EventSource cannot send a token.

export interface ServerEvent {
  readonly event: string
  readonly data: string
}

/** The events of a stream, as they come. Comments and fields other than `event` and `data` are left out. */
export async function* readEvents(stream: ReadableStream<Uint8Array>): AsyncGenerator<ServerEvent, void, undefined> {
  const reader = stream.getReader()
  const decoder = new TextDecoder()
  let text = ''
  let event = ''
  let data: string[] = []
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      text += decoder.decode(value, { stream: true })
      // A lone \r at the very end may be half of \r\n: it waits for what follows.
      const lines = text.split(/\r\n|\n|\r(?!$)/)
      text = lines.pop() ?? ''
      for (const line of lines) {
        if (line === '') {
          if (data.length > 0) yield { event: event === '' ? 'message' : event, data: data.join('\n') }
          event = ''
          data = []
          continue
        }
        const colon = line.indexOf(':')
        if (colon === 0) continue
        const name = colon < 0 ? line : line.slice(0, colon)
        const rest = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '')
        if (name === 'event') event = rest
        else if (name === 'data') data.push(rest)
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined)
  }
}
