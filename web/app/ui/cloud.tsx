// The cloud this page speaks to, for every component below: who is signed in, and the client all calls pass through.
import { createContext, use, useSyncExternalStore } from 'react'
import type { Client, Sent } from '#app/api/client.ts'
import type { Project, Session, SessionStore } from '#app/api/session.ts'

export interface Cloud {
  readonly session: SessionStore
  readonly client: Client
}

export const CloudContext = createContext<Cloud | null>(null)

export function useCloud(): Cloud {
  const cloud = use(CloudContext)
  if (cloud === null) throw new Error('There is no cloud around this component.')
  return cloud
}

export function useClient(): Client {
  return useCloud().client
}

/** Who is signed in; null for nobody. */
export function useSession(): Session | null {
  const { session } = useCloud()
  return useSyncExternalStore(session.subscribe, session.read)
}

/** The project one is in; an empty one in the moment between sign-out and the way to the sign-in page. */
export function useProject(): Project {
  return useSession()?.project ?? NOWHERE
}

const NOWHERE: Project = { id: '', name: '' }

/** Whether Keystone counts this person an administrator of the project. */
export function useIsAdmin(): boolean {
  return useSession()?.roles.includes('admin') ?? false
}

/** The latest calls, newest first. */
export function useHistory(): readonly Sent[] {
  const { client } = useCloud()
  return useSyncExternalStore(client.subscribe, client.history)
}
