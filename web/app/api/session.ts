// Who is signed in, for as long as this tab lives: memory, and sessionStorage so that a reload keeps it. Never a cookie.

export interface Project {
  readonly id: string
  readonly name: string
}

export interface Session {
  /** The token calls are made with: scoped to `project`, or unscoped while none is chosen. */
  readonly token: string
  /** The token of the sign-in itself, from which other projects are reached. */
  readonly unscoped: string
  /** ISO 8601, from Keystone. */
  readonly expiresAt: string
  readonly user: { readonly id: string; readonly name: string; readonly domain: string }
  readonly project: Project | null
  readonly roles: readonly string[]
}

export interface SessionStore {
  readonly read: () => Session | null
  readonly write: (session: Session | null) => void
  /** Calls `listener` on each change; returns how to stop. */
  readonly subscribe: (listener: () => void) => () => void
}

const KEY = 'koto.session'

/** Keeps the session in memory and in `storage`. What cannot be read back counts as signed out. */
export function createSessionStore(storage: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>): SessionStore {
  const listeners = new Set<() => void>()
  let current = restore(storage.getItem(KEY))
  return {
    read: () => current,
    write(session) {
      current = session
      if (session === null) storage.removeItem(KEY)
      else storage.setItem(KEY, JSON.stringify(session))
      for (const listener of listeners) listener()
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}

function restore(text: string | null): Session | null {
  if (text === null) return null
  try {
    const value: unknown = JSON.parse(text)
    return isSession(value) ? value : null
  } catch {
    return null
  }
}

function isSession(value: unknown): value is Session {
  if (typeof value !== 'object' || value === null) return false
  const it = value as Partial<Session>
  return (
    typeof it.token === 'string' &&
    typeof it.unscoped === 'string' &&
    typeof it.expiresAt === 'string' &&
    typeof it.user?.name === 'string' &&
    (it.project === null || typeof it.project?.id === 'string') &&
    Array.isArray(it.roles)
  )
}
