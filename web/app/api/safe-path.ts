// Where to go after signing in. The address comes from the page's own URL, so anyone may have written it.

/** The path when it stays on this origin, else `/`. `//elsewhere`, `/\elsewhere`, `javascript:` and the like do not. */
export function safePath(path: unknown, origin: string): string {
  if (typeof path !== 'string' || !path.startsWith('/')) return '/'
  try {
    const url = new URL(path, origin)
    if (url.origin !== new URL(origin).origin) return '/'
    const inside = url.pathname + url.search + url.hash
    return inside.startsWith('//') || inside.startsWith('/sign-in') ? '/' : inside
  } catch {
    return '/'
  }
}
