// The server's screen inside its page. Each connection asks Nova for its own address.
import { Alert, Bullseye, Button, Spinner } from '@patternfly/react-core'
import { useQuery } from '@tanstack/react-query'
import { lazy, Suspense } from 'react'
import { useTranslation } from 'react-i18next'
import { createConsole, type Server } from '#app/api/compute.ts'
import { consoleToken } from '#app/api/console-url.ts'
import { useClient } from '#app/ui/cloud.tsx'
import { ReadFailure } from '#app/ui/query-state.tsx'
import { useToasts } from '#app/ui/toasts.tsx'
import { useWhyNot } from '#app/ui/use-server-actions.ts'

const VncScreen = lazy(() => import('#app/ui/vnc-screen.tsx').then(it => ({ default: it.VncScreen })))

export default function ServerConsole({ server }: { readonly server: Server }) {
  const because = useWhyNot()('console', server)
  if (because !== null) return <Alert isInline variant="info" title={because} />
  return <Screen serverId={server.id} />
}

function Screen({ serverId }: { readonly serverId: string }) {
  const { t } = useTranslation()
  const client = useClient()
  const toasts = useToasts()
  const url = useQuery({
    queryKey: ['console', serverId],
    queryFn: () => createConsole(client, serverId),
    // An address works once: it is asked for when needed and never kept.
    staleTime: Infinity,
    gcTime: 0,
    refetchOnWindowFocus: false,
    refetchOnReconnect: false,
  })
  const openWindow = async (): Promise<void> => {
    // Opened within the click, or the browser would block it; it is our own page, so it may keep its opener.
    const opened = window.open('about:blank', '_blank')
    try {
      const token = consoleToken(await createConsole(client, serverId))
      if (opened !== null) opened.location.href = `/console/vnc?token=${encodeURIComponent(token ?? '')}`
    } catch (error) {
      opened?.close()
      toasts.failed(t('console.refused'), error)
    }
  }
  if (url.error !== null) return <ReadFailure error={url.error} retry={() => void url.refetch()} />
  const token = url.data === undefined ? null : consoleToken(url.data)
  if (url.data !== undefined && token === null) {
    return <Alert isInline variant="danger" title={t('console.noToken')} />
  }
  const waiting = (
    <Bullseye>
      <Spinner aria-label={t('common.loading')} />
    </Bullseye>
  )
  if (token === null) return waiting
  return (
    <Suspense fallback={waiting}>
      <VncScreen
        token={token}
        again={() => void url.refetch()}
        tools={
          <Button variant="secondary" onClick={() => void openWindow()}>
            {t('console.newWindow')}
          </Button>
        }
      />
    </Suspense>
  )
}
