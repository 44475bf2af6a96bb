// What the project has, how much of its quota that is, and its latest servers.
import { Card, CardBody, CardTitle, Grid, GridItem, PageSection } from '@patternfly/react-core'
import { useQuery, type UseQueryResult } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import {
  flavorsQuery,
  imagesQuery,
  keyPairsQuery,
  limitsQuery,
  networksQuery,
  serversQuery,
  volumeLimitsQuery,
} from '#app/api/queries.ts'
import { LinkButton } from '#app/pages/link-button.tsx'
import { PageHead } from '#app/pages/page-head.tsx'
import { useClient, useProject } from '#app/ui/cloud.tsx'
import { formatMb } from '#app/ui/format.ts'
import { Gauge } from '#app/ui/gauge.tsx'
import { QueryState } from '#app/ui/query-state.tsx'
import { StatusLabel } from '#app/ui/status-label.tsx'
import { When } from '#app/ui/when.tsx'

export default function Overview() {
  const { t } = useTranslation()
  return (
    <>
      <PageHead
        title={t('overview.title')}
        actions={<LinkButton to="/servers/create">{t('servers.launch')}</LinkButton>}
      />
      <PageSection isFilled>
        <div className="koto-stack">
          <Card>
            <CardTitle component="h2">{t('overview.quota')}</CardTitle>
            <CardBody>
              <Quota />
            </CardBody>
          </Card>
          <Grid hasGutter>
            <GridItem lg={5} md={12}>
              <Card isFullHeight>
                <CardTitle component="h2">{t('overview.counts')}</CardTitle>
                <CardBody>
                  <Counts />
                </CardBody>
              </Card>
            </GridItem>
            <GridItem lg={7} md={12}>
              <Card isFullHeight>
                <CardTitle component="h2">{t('overview.recent')}</CardTitle>
                <CardBody>
                  <Recent />
                </CardBody>
              </Card>
            </GridItem>
          </Grid>
        </div>
      </PageSection>
    </>
  )
}

function Quota() {
  const { t } = useTranslation()
  const client = useClient()
  const project = useProject()
  const compute = useQuery(limitsQuery(client))
  const volume = useQuery(volumeLimitsQuery(client, project.id))
  return (
    <div className="koto-gauges">
      <QueryState query={compute}>
        {it => (
          <>
            <Gauge label={t('overview.servers')} used={it.totalInstancesUsed} limit={it.maxTotalInstances} />
            <Gauge label={t('overview.cores')} used={it.totalCoresUsed} limit={it.maxTotalCores} />
            <Gauge label={t('overview.ram')} used={it.totalRAMUsed} limit={it.maxTotalRAMSize} format={formatMb} />
          </>
        )}
      </QueryState>
      <QueryState query={volume}>
        {it => (
          <>
            <Gauge label={t('overview.volumes')} used={it.totalVolumesUsed} limit={it.maxTotalVolumes} />
            <Gauge
              label={t('overview.gigabytes')}
              used={it.totalGigabytesUsed}
              limit={it.maxTotalVolumeGigabytes}
              format={gb => `${gb} GB`}
            />
          </>
        )}
      </QueryState>
    </div>
  )
}

function Counts() {
  const { t } = useTranslation()
  const client = useClient()
  return (
    <dl className="koto-counts">
      <Count label={t('overview.servers')} query={useQuery(serversQuery(client))} />
      <Count label={t('overview.images')} query={useQuery(imagesQuery(client))} />
      <Count label={t('overview.networks')} query={useQuery(networksQuery(client))} />
      <Count label={t('overview.flavors')} query={useQuery(flavorsQuery(client))} />
      <Count label={t('overview.keyPairs')} query={useQuery(keyPairsQuery(client))} />
    </dl>
  )
}

interface CountProps {
  readonly label: string
  readonly query: UseQueryResult<readonly unknown[]>
}

function Count({ label, query }: CountProps) {
  const { t } = useTranslation()
  const failed = query.data === undefined && query.error !== null
  return (
    <div>
      <dt>{label}</dt>
      <dd title={failed ? t('overview.quiet', { what: label }) : undefined}>
        {query.data?.length ?? (failed ? '–' : '…')}
      </dd>
    </div>
  )
}

function Recent() {
  const { t } = useTranslation()
  const servers = useQuery(serversQuery(useClient()))
  return (
    <QueryState query={servers}>
      {all =>
        all.length === 0 ? (
          <p className="koto-subtle">{t('servers.emptyLong')}</p>
        ) : (
          <ul className="koto-plain-list koto-recent">
            {all.slice(0, 6).map(server => (
              <li key={server.id}>
                <Link to="/servers/$serverId" params={{ serverId: server.id }}>
                  {server.name}
                </Link>
                <StatusLabel server={server} />
                <span className="koto-subtle">
                  <When iso={server.created} />
                </span>
              </li>
            ))}
          </ul>
        )
      }
    </QueryState>
  )
}
