// What `openstack console url show --novnc` names: a server's screen over the whole window. The token in the address is
// the whole right to it, so nobody signs in here.
import { Alert } from '@patternfly/react-core'
import { getRouteApi } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { consoleToken } from '#app/api/console-url.ts'
import { usePageTitle } from '#app/pages/page-head.tsx'
import { VncScreen } from '#app/ui/vnc-screen.tsx'

const route = getRouteApi('/console/vnc')

export default function ConsolePage() {
  const { t } = useTranslation()
  usePageTitle(t('console.pageTitle'))
  const token = consoleToken(`?${new URLSearchParams(route.useSearch())}`)
  return (
    <main className="koto-console-page">
      {token === null ? <Alert isInline variant="danger" title={t('console.noToken')} /> : <VncScreen token={token} />}
    </main>
  )
}
