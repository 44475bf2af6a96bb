// The rows of a server's journey, growing while one looks.
import { useEffect, useState } from 'react'
import { hear, watchJourney, type JourneyRow } from '#app/api/journey.ts'
import { useClient } from '#app/ui/cloud.tsx'

export interface Journey {
  /** Null until the cloud has answered once. */
  readonly rows: readonly JourneyRow[] | null
  readonly live: boolean
  readonly error: unknown
}

const NOTHING: Journey = { rows: null, live: false, error: null }

export function useJourney(serverId: string): Journey {
  const client = useClient()
  const [journey, setJourney] = useState(NOTHING)
  useEffect(() => {
    const stop = new AbortController()
    setJourney(NOTHING)
    watchJourney(client, serverId, stop.signal, pause, news =>
      setJourney(old => ({ rows: hear(old.rows ?? [], news), live: news.live, error: null })),
    ).catch((error: unknown) => {
      if (!stop.signal.aborted) setJourney(old => ({ ...old, live: false, error }))
    })
    return () => stop.abort()
  }, [client, serverId])
  return journey
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise(done => {
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', () => (clearTimeout(timer), done()), { once: true })
  })
}
