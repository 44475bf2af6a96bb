// Networks as a picture and as a list.
import { Button, Card, CardBody, PageSection } from '@patternfly/react-core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { createNetwork, deleteNetwork, type Network } from '#app/api/network.ts'
import { networksQuery, portsQuery, routersQuery, serversQuery, subnetsQuery } from '#app/api/queries.ts'
import { layOut } from '#app/api/topology.ts'
import { Ask, TextField, useQuestion } from '#app/forms/ask.tsx'
import { PageHead } from '#app/pages/page-head.tsx'
import { useClient, useIsAdmin, useProject } from '#app/ui/cloud.tsx'
import { QueryState } from '#app/ui/query-state.tsx'
import { ThingTable, type Action } from '#app/ui/thing-table.tsx'
import { TopologyPicture } from '#app/ui/topology.tsx'
import { WordLabel } from '#app/ui/word-label.tsx'

export default function Networks() {
  const { t } = useTranslation()
  const client = useClient()
  const project = useProject()
  const admin = useIsAdmin()
  const networks = useQuery(networksQuery(client))
  const subnets = useQuery(subnetsQuery(client))
  const routers = useQuery(routersQuery(client))
  const ports = useQuery(portsQuery(client))
  const servers = useQuery(serversQuery(client))
  const [question, ask] = useQuestion()
  const kind = (network: Network): string =>
    network['router:external'] === true
      ? t('things.networks.external')
      : network.shared
        ? t('things.networks.shared')
        : t('things.networks.own')
  const actions = (network: Network): Action[] => [
    {
      title: t('things.delete'),
      danger: true,
      because: network.project_id === project.id || admin ? null : t('things.why.others'),
      run: () =>
        ask(close => (
          <Ask
            title={t('server.deleteTitle', { name: network.name })}
            submit={t('things.delete')}
            danger
            close={close}
            work={() => deleteNetwork(client, network.id)}
            done={t('things.done.delete', { name: network.name })}
            failed={t('things.failed.delete', { name: network.name })}
            touches={['networks', 'subnets', 'ports']}
          />
        )),
    },
  ]
  return (
    <>
      <PageHead
        title={t('things.networks.title')}
        actions={
          <Button onClick={() => ask(close => <NetworkCreate close={close} />)}>{t('things.networks.create')}</Button>
        }
      />
      <PageSection isFilled>
        <QueryState query={networks}>
          {all => (
            <div className="koto-stack">
              <Card>
                <CardBody>
                  <TopologyPicture topology={layOut(all, routers.data ?? [], servers.data ?? [], ports.data ?? [])} />
                </CardBody>
              </Card>
              <ThingTable
                label={t('things.networks.title')}
                rows={all}
                name={network => network.name}
                words={network => [network.name, network.id]}
                empty={t('things.networks.empty')}
                actions={actions}
                columns={[
                  { title: t('common.name'), cell: network => network.name },
                  { title: t('servers.status'), cell: network => <WordLabel word={network.status} /> },
                  { title: t('things.networks.kind'), cell: kind },
                  {
                    title: t('things.networks.subnets'),
                    cell: network =>
                      (subnets.data ?? [])
                        .filter(subnet => subnet.network_id === network.id)
                        .map(subnet => (
                          <div key={subnet.id}>
                            <code>{subnet.cidr}</code>
                          </div>
                        )),
                  },
                ]}
              />
            </div>
          )}
        </QueryState>
      </PageSection>
      {question}
    </>
  )
}

function NetworkCreate({ close }: { readonly close: () => void }) {
  const { t } = useTranslation()
  const client = useClient()
  const [name, setName] = useState('')
  const [cidr, setCidr] = useState('10.10.0.0/24')
  const because =
    name.trim() === ''
      ? t('things.why.name')
      : /^[0-9a-f.:]+\/\d{1,3}$/i.test(cidr.trim())
        ? null
        : t('things.why.cidr')
  return (
    <Ask
      title={t('things.networks.create')}
      submit={t('things.create')}
      because={because}
      close={close}
      work={() => createNetwork(client, name.trim(), cidr.trim())}
      done={t('things.done.create', { name })}
      failed={t('things.failed.create', { name })}
      touches={['networks', 'subnets', 'ports']}
    >
      <TextField label={t('common.name')} value={name} onChange={setName} />
      <TextField label={t('things.networks.cidr')} value={cidr} onChange={setCidr} />
    </Ask>
  )
}
