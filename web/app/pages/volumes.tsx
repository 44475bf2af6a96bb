// Volumes and their snapshots: made, attached, grown, copied.
import { Button, Content, PageSection } from '@patternfly/react-core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { serversQuery, snapshotsQuery, volumesQuery } from '#app/api/queries.ts'
import {
  attachVolume,
  createSnapshot,
  deleteSnapshot,
  deleteVolume,
  detachVolume,
  extendVolume,
  type Snapshot,
  type Volume,
} from '#app/api/volume.ts'
import { Ask, ChoiceField, TextField, useDeed, useQuestion } from '#app/forms/ask.tsx'
import { VolumeCreate } from '#app/forms/volume-create.tsx'
import { PageHead } from '#app/pages/page-head.tsx'
import { useClient, useProject } from '#app/ui/cloud.tsx'
import { QueryState } from '#app/ui/query-state.tsx'
import { ThingTable, type Action } from '#app/ui/thing-table.tsx'
import { When } from '#app/ui/when.tsx'
import { WordLabel } from '#app/ui/word-label.tsx'

const nameOf = (it: Volume | Snapshot): string => it.name || it.id

export default function Volumes() {
  const { t } = useTranslation()
  const client = useClient()
  const project = useProject()
  const volumes = useQuery(volumesQuery(client, project.id))
  const snapshots = useQuery(snapshotsQuery(client, project.id))
  const servers = useQuery(serversQuery(client))
  const { run } = useDeed()
  const [question, ask] = useQuestion()
  const touches = ['volumes', 'snapshots', 'volume-limits', 'servers']
  const serverName = (id: string): string => servers.data?.find(one => one.id === id)?.name ?? id
  const remove = (it: Volume | Snapshot, work: () => Promise<void>): void =>
    ask(close => (
      <Ask
        title={t('server.deleteTitle', { name: nameOf(it) })}
        submit={t('things.delete')}
        danger
        close={close}
        work={work}
        done={t('things.done.delete', { name: nameOf(it) })}
        failed={t('things.failed.delete', { name: nameOf(it) })}
        touches={touches}
      />
    ))
  const actions = (volume: Volume): Action[] => {
    const only = (...statuses: string[]): string | null =>
      statuses.includes(volume.status) ? null : t('things.why.state', { state: volume.status })
    const held = volume.attachments[0]
    return [
      {
        title: t('things.volumes.attach'),
        because: only('available'),
        run: () => ask(close => <Attach volume={volume} close={close} />),
      },
      {
        title: t('things.volumes.detach'),
        because: only('in-use'),
        run: () =>
          void run({
            work: async () => held && detachVolume(client, held.server_id, volume.id),
            done: t('things.done.detach', { name: nameOf(volume) }),
            failed: t('things.failed.detach', { name: nameOf(volume) }),
            touches,
          }),
      },
      {
        title: t('things.volumes.extend'),
        because: only('available', 'in-use'),
        run: () => ask(close => <Extend volume={volume} close={close} />),
      },
      {
        title: t('things.volumes.snapshot'),
        because: only('available', 'in-use'),
        run: () => ask(close => <MakeSnapshot volume={volume} close={close} />),
      },
      {
        title: t('things.delete'),
        danger: true,
        because: only('available', 'error'),
        run: () => remove(volume, () => deleteVolume(client, project.id, volume.id)),
      },
    ]
  }
  return (
    <>
      <PageHead
        title={t('things.volumes.title')}
        actions={
          <Button onClick={() => ask(close => <VolumeCreate close={close} />)}>{t('things.volumes.create')}</Button>
        }
      />
      <PageSection isFilled>
        <QueryState query={volumes}>
          {all => (
            <ThingTable
              label={t('things.volumes.title')}
              rows={all}
              name={nameOf}
              words={volume => [nameOf(volume), volume.id]}
              empty={t('things.volumes.empty')}
              actions={actions}
              columns={[
                { title: t('common.name'), cell: nameOf },
                { title: t('servers.status'), cell: volume => <WordLabel word={volume.status} /> },
                { title: t('things.volumes.size'), cell: volume => volume.size },
                {
                  title: t('things.volumes.attachedTo'),
                  cell: volume =>
                    volume.attachments.map(one => (
                      <div key={one.server_id}>
                        <Link to="/servers/$serverId" params={{ serverId: one.server_id }}>
                          {serverName(one.server_id)}
                        </Link>{' '}
                        <code>{one.device}</code>
                      </div>
                    )),
                },
                { title: t('servers.created'), cell: volume => <When iso={volume.created_at} /> },
              ]}
            />
          )}
        </QueryState>
        <Content component="h2">{t('things.snapshots.title')}</Content>
        <QueryState query={snapshots}>
          {all => (
            <ThingTable
              label={t('things.snapshots.title')}
              rows={all}
              name={nameOf}
              words={snapshot => [nameOf(snapshot), snapshot.id]}
              empty={t('things.snapshots.empty')}
              actions={snapshot => [
                {
                  title: t('things.volumes.create'),
                  because: snapshot.status === 'available' ? null : t('things.why.state', { state: snapshot.status }),
                  run: () => ask(close => <VolumeCreate close={close} snapshot={snapshot} />),
                },
                {
                  title: t('things.delete'),
                  danger: true,
                  run: () => remove(snapshot, () => deleteSnapshot(client, project.id, snapshot.id)),
                },
              ]}
              columns={[
                { title: t('common.name'), cell: nameOf },
                { title: t('servers.status'), cell: snapshot => <WordLabel word={snapshot.status} /> },
                { title: t('things.volumes.size'), cell: snapshot => snapshot.size },
                {
                  title: t('things.snapshots.of'),
                  cell: snapshot => {
                    const volume = volumes.data?.find(one => one.id === snapshot.volume_id)
                    return volume === undefined ? snapshot.volume_id : nameOf(volume)
                  },
                },
              ]}
            />
          )}
        </QueryState>
      </PageSection>
      {question}
    </>
  )
}

interface About {
  readonly volume: Volume
  readonly close: () => void
}
function Attach({ volume, close }: About) {
  const { t } = useTranslation()
  const client = useClient()
  const servers = useQuery(serversQuery(client))
  const [chosen, setChosen] = useState<string | null>(null)
  const able = (servers.data ?? []).filter(one => ['ACTIVE', 'SHUTOFF', 'PAUSED'].includes(one.status))
  const serverId = chosen ?? able[0]?.id ?? ''
  return (
    <Ask
      title={t('things.volumes.attachTitle', { name: nameOf(volume) })}
      submit={t('things.volumes.attach')}
      because={serverId === '' ? t('things.why.server') : null}
      close={close}
      work={() => attachVolume(client, serverId, volume.id)}
      done={t('things.done.attach', { name: nameOf(volume) })}
      failed={t('things.failed.attach', { name: nameOf(volume) })}
      touches={['volumes', 'servers']}
    >
      <ChoiceField
        label={t('server.title')}
        value={serverId}
        onChange={setChosen}
        options={able.map(one => [one.id, one.name] as const)}
      />
    </Ask>
  )
}
function Extend({ volume, close }: About) {
  const { t } = useTranslation()
  const client = useClient()
  const project = useProject()
  const [size, setSize] = useState(String(volume.size + 1))
  const wanted = Number(size)
  const least = volume.size + 1
  return (
    <Ask
      title={t('things.volumes.extendTitle', { name: nameOf(volume) })}
      submit={t('things.volumes.extend')}
      because={Number.isInteger(wanted) && wanted >= least ? null : t('things.why.size', { least })}
      close={close}
      work={() => extendVolume(client, project.id, volume.id, wanted)}
      done={t('things.done.extend', { name: nameOf(volume) })}
      failed={t('things.failed.extend', { name: nameOf(volume) })}
      touches={['volumes', 'volume-limits']}
    >
      <TextField label={t('things.volumes.size')} type="number" value={size} onChange={setSize} />
    </Ask>
  )
}
function MakeSnapshot({ volume, close }: About) {
  const { t } = useTranslation()
  const client = useClient()
  const project = useProject()
  const [name, setName] = useState('')
  return (
    <Ask
      title={t('things.volumes.snapshotTitle', { name: nameOf(volume) })}
      submit={t('things.create')}
      because={name.trim() === '' ? t('things.why.name') : null}
      close={close}
      work={() => createSnapshot(client, project.id, volume.id, name.trim())}
      done={t('things.done.create', { name })}
      failed={t('things.failed.create', { name })}
      touches={['snapshots', 'volumes']}
    >
      <TextField label={t('common.name')} value={name} onChange={setName} />
    </Ask>
  )
}
