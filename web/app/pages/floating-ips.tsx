// Addresses from outside, and who has them.
import { Button, PageSection } from '@patternfly/react-core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { allocateFloatingIp, pointFloatingIp, releaseFloatingIp, type FloatingIp } from '#app/api/network.ts'
import { floatingIpsQuery, networksQuery, portsQuery, serversQuery } from '#app/api/queries.ts'
import { Ask, ChoiceField, useDeed, useQuestion } from '#app/forms/ask.tsx'
import { PageHead } from '#app/pages/page-head.tsx'
import { useClient, useProject } from '#app/ui/cloud.tsx'
import { QueryState } from '#app/ui/query-state.tsx'
import { ThingTable, type Action } from '#app/ui/thing-table.tsx'
import { WordLabel } from '#app/ui/word-label.tsx'

const TOUCHES = ['floating-ips', 'servers']

/** The ports of servers, and whose they are. */
function useServerPorts() {
  const client = useClient()
  const ports = useQuery(portsQuery(client))
  const servers = useQuery(serversQuery(client))
  return (ports.data ?? []).flatMap(port => {
    const server = servers.data?.find(one => one.id === port.device_id)
    const address = port.fixed_ips[0]?.ip_address
    return server === undefined || address === undefined ? [] : [{ id: port.id, server: server.name, address }]
  })
}

export default function FloatingIps() {
  const { t } = useTranslation()
  const client = useClient()
  const project = useProject()
  const addresses = useQuery(floatingIpsQuery(client, project.id))
  const ports = useServerPorts()
  const { run } = useDeed()
  const [question, ask] = useQuestion()
  const actions = (one: FloatingIp): Action[] => {
    const name = one.floating_ip_address
    return [
      {
        title: t('things.floatingIps.point'),
        because: one.port_id === null ? null : t('things.why.taken'),
        run: () => ask(close => <Point address={one} close={close} />),
      },
      {
        title: t('things.floatingIps.loose'),
        because: one.port_id === null ? t('things.why.free') : null,
        run: () =>
          void run({
            work: () => pointFloatingIp(client, one.id, null),
            done: t('things.done.loose', { name }),
            failed: t('things.failed.loose', { name }),
            touches: TOUCHES,
          }),
      },
      {
        title: t('things.floatingIps.release'),
        danger: true,
        run: () =>
          void run({
            work: () => releaseFloatingIp(client, one.id),
            done: t('things.done.delete', { name }),
            failed: t('things.failed.delete', { name }),
            touches: TOUCHES,
          }),
      },
    ]
  }
  return (
    <>
      <PageHead
        title={t('things.floatingIps.title')}
        actions={
          <Button onClick={() => ask(close => <Allocate close={close} />)}>{t('things.floatingIps.create')}</Button>
        }
      />
      <PageSection isFilled>
        <QueryState query={addresses}>
          {all => (
            <ThingTable
              label={t('things.floatingIps.title')}
              rows={all}
              name={one => one.floating_ip_address}
              words={one => [one.floating_ip_address, one.fixed_ip_address ?? '']}
              empty={t('things.floatingIps.empty')}
              actions={actions}
              columns={[
                {
                  title: t('things.floatingIps.address'),
                  cell: one => <code>{one.floating_ip_address}</code>,
                },
                {
                  title: t('things.floatingIps.leadsTo'),
                  cell: one => {
                    const port = ports.find(({ id }) => id === one.port_id)
                    return one.port_id === null
                      ? t('common.none')
                      : `${port?.server ?? ''} ${one.fixed_ip_address ?? ''}`
                  },
                },
                { title: t('servers.status'), cell: one => <WordLabel word={one.status} /> },
              ]}
            />
          )}
        </QueryState>
      </PageSection>
      {question}
    </>
  )
}

function Allocate({ close }: { readonly close: () => void }) {
  const { t } = useTranslation()
  const client = useClient()
  const networks = useQuery(networksQuery(client))
  const outside = (networks.data ?? []).filter(network => network['router:external'] === true)
  const [chosen, setChosen] = useState<string | null>(null)
  const network = chosen ?? outside[0]?.id ?? ''
  return (
    <Ask
      title={t('things.floatingIps.create')}
      submit={t('things.floatingIps.create')}
      because={network === '' ? t('things.why.network') : null}
      close={close}
      work={() => allocateFloatingIp(client, network)}
      done={t('things.done.allocate')}
      failed={t('things.failed.allocate')}
      touches={TOUCHES}
    >
      <ChoiceField
        label={t('launch.network')}
        value={network}
        onChange={setChosen}
        options={outside.map(one => [one.id, one.name] as const)}
      />
    </Ask>
  )
}

function Point({ address, close }: { readonly address: FloatingIp; readonly close: () => void }) {
  const { t } = useTranslation()
  const client = useClient()
  const ports = useServerPorts()
  const [chosen, setChosen] = useState<string | null>(null)
  const port = chosen ?? ports[0]?.id ?? ''
  const name = address.floating_ip_address
  return (
    <Ask
      title={t('things.floatingIps.pointTitle', { name })}
      submit={t('things.floatingIps.point')}
      because={port === '' ? t('things.why.server') : null}
      close={close}
      work={() => pointFloatingIp(client, address.id, port)}
      done={t('things.done.point', { name })}
      failed={t('things.failed.point', { name })}
      touches={TOUCHES}
    >
      <ChoiceField
        label={t('server.title')}
        value={port}
        onChange={setChosen}
        options={ports.map(one => [one.id, `${one.server} · ${one.address}`] as const)}
      />
    </Ask>
  )
}
