// From the address that Nova gives for a console to the websocket behind it, always on the page's own origin.

/** The token in a console's address: `?token=…`, or noVNC's own form `?path=%3Ftoken%3D…`. Null when there is none. */
export function consoleToken(url: string): string | null {
  if (!URL.canParse(url, 'http://console')) return null
  const query = new URL(url, 'http://console').searchParams
  const token =
    query.get('token') ?? new URLSearchParams((query.get('path') ?? '').replace(/^[^?]*\?/, '')).get('token')
  return token === null || token === '' ? null : token
}

/** Where noVNC connects to, for a page at `origin`. */
export function websocketUrl(token: string, origin: string): string {
  const url = new URL(`/console/websockify?token=${encodeURIComponent(token)}`, origin)
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
  return url.href
}
