// One server: what it is, its screen, its log, the journey of its boot, and what one can do with it.
import {
  Alert,
  Breadcrumb,
  BreadcrumbItem,
  Button,
  EmptyState,
  EmptyStateBody,
  EmptyStateFooter,
  PageSection,
  Tab,
  Tabs,
  TabTitleText,
} from '@patternfly/react-core'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router'
import { lazy, Suspense, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { ApiError } from '#app/api/api-error.ts'
import type { Server } from '#app/api/compute.ts'
import { serverQuery } from '#app/api/queries.ts'
import { ServerDelete } from '#app/forms/server-delete.tsx'
import { LinkButton } from '#app/pages/link-button.tsx'
import { PageHead } from '#app/pages/page-head.tsx'
import { SERVER_TABS, type ServerTab } from '#app/pages/server-tabs.ts'
import { useClient } from '#app/ui/cloud.tsx'
import { QueryState } from '#app/ui/query-state.tsx'
import { ServerFacts } from '#app/ui/server-facts.tsx'
import { StatusLabel } from '#app/ui/status-label.tsx'
import { useServerDeed, useWhyNot } from '#app/ui/use-server-actions.ts'
import { VerdictButton } from '#app/ui/verdict-button.tsx'

const route = getRouteApi('/inside/servers/$serverId')
const ServerConsole = lazy(() => import('#app/pages/server-console.tsx'))
const ServerLog = lazy(() => import('#app/pages/server-log.tsx'))
const ServerJourney = lazy(() => import('#app/pages/server-journey.tsx'))

export default function ServerPage() {
  const { serverId } = route.useParams()
  const query = useQuery(serverQuery(useClient(), serverId))
  if (query.error instanceof ApiError && query.error.status === 404) return <NoServer />
  return <QueryState query={query}>{server => <ServerView server={server} />}</QueryState>
}

function NoServer() {
  const { t } = useTranslation()
  return (
    <PageSection isFilled>
      <EmptyState titleText={t('server.notFound')} headingLevel="h1">
        <EmptyStateBody>{t('server.notFoundText')}</EmptyStateBody>
        <EmptyStateFooter>
          <LinkButton to="/servers" variant="link">
            {t('server.back')}
          </LinkButton>
        </EmptyStateFooter>
      </EmptyState>
    </PageSection>
  )
}

function ServerView({ server }: { readonly server: Server }) {
  const { t } = useTranslation()
  const navigate = useNavigate()
  const { tab = 'overview' } = route.useSearch()
  const show = (wanted: ServerTab): void =>
    void navigate({
      to: '/servers/$serverId',
      params: { serverId: server.id },
      search: wanted === 'overview' ? {} : { tab: wanted },
      replace: true,
    })
  return (
    <>
      <PageHead
        title={server.name}
        above={
          <Breadcrumb>
            <BreadcrumbItem>
              <Link to="/servers">{t('servers.title')}</Link>
            </BreadcrumbItem>
            <BreadcrumbItem isActive>{server.name}</BreadcrumbItem>
          </Breadcrumb>
        }
        beside={<StatusLabel server={server} />}
        actions={<ServerButtons server={server} />}
      />
      <PageSection type="tabs">
        <Tabs
          activeKey={tab}
          onSelect={(_event, key) => show(key as ServerTab)}
          aria-label={t('server.tabs')}
          usePageInsets
        >
          {SERVER_TABS.map(it => (
            <Tab
              key={it}
              eventKey={it}
              title={<TabTitleText>{t(`server.tab.${it}`)}</TabTitleText>}
              tabContentId={`tab-${it}`}
            />
          ))}
        </Tabs>
      </PageSection>
      <PageSection isFilled id={`tab-${tab}`} role="tabpanel" tabIndex={0} aria-label={t(`server.tab.${tab}`)}>
        <Fault server={server} />
        <Suspense>
          {tab === 'overview' && <ServerFacts server={server} />}
          {tab === 'console' && <ServerConsole server={server} />}
          {tab === 'log' && <ServerLog server={server} />}
          {tab === 'journey' && <ServerJourney server={server} />}
        </Suspense>
      </PageSection>
    </>
  )
}

function Fault({ server }: { readonly server: Server }) {
  const { t } = useTranslation()
  if (server.fault === undefined) return null
  return (
    <Alert isInline variant="danger" title={t('server.fault')} className="koto-gap-below">
      <p>{server.fault.message}</p>
      <p className="koto-subtle">
        {t('server.whyHint')} <code>koto why {server.id}</code>
      </p>
    </Alert>
  )
}

function ServerButtons({ server }: { readonly server: Server }) {
  const { t } = useTranslation()
  const navigate = useNavigate()
  const deed = useServerDeed()
  const whyNot = useWhyNot()
  const [deleting, setDeleting] = useState(false)
  const running = deed.isPending ? deed.variables.verb : null
  // One of start and stop applies at a time; the other would only say so.
  const power = server['OS-EXT-STS:vm_state'] === 'stopped' ? 'start' : 'stop'
  return (
    <div className="koto-buttons">
      {([power, 'reboot'] as const).map(verb => (
        <VerdictButton
          key={verb}
          variant="secondary"
          because={whyNot(verb, server)}
          isLoading={running === verb}
          onClick={() => deed.mutate({ server, verb })}
        >
          {t(`server.action.${verb}`)}
        </VerdictButton>
      ))}
      {whyNot('reboot', server) !== null && whyNot('reboot-hard', server) === null && (
        <Button
          variant="secondary"
          isLoading={running === 'reboot-hard'}
          onClick={() => deed.mutate({ server, verb: 'reboot-hard' })}
        >
          {t('server.action.reboot-hard')}
        </Button>
      )}
      <VerdictButton variant="secondary" isDanger because={whyNot('delete', server)} onClick={() => setDeleting(true)}>
        {t('server.action.delete')}
      </VerdictButton>
      <ServerDelete
        server={deleting ? server : null}
        close={() => setDeleting(false)}
        onDeleted={() => void navigate({ to: '/servers' })}
      />
    </div>
  )
}
