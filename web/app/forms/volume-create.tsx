// A new volume: empty, from an image, or from a snapshot.
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { imagesQuery } from '#app/api/queries.ts'
import { createVolume, type Snapshot } from '#app/api/volume.ts'
import { Ask, ChoiceField, TextField } from '#app/forms/ask.tsx'
import { useClient, useProject } from '#app/ui/cloud.tsx'

interface Props {
  readonly close: () => void
  readonly imageId?: string
  readonly snapshot?: Snapshot
}
const GB = 1024 ** 3

export function VolumeCreate({ close, imageId = '', snapshot }: Props) {
  const { t } = useTranslation()
  const client = useClient()
  const project = useProject()
  const images = useQuery(imagesQuery(client))
  const [name, setName] = useState('')
  const [size, setSize] = useState(String(snapshot?.size ?? 1))
  const [from, setFrom] = useState(imageId)
  const image = images.data?.find(one => one.id === from)
  const least = Math.max(1, snapshot?.size ?? 0, image?.min_disk ?? 0, Math.ceil((image?.size ?? 0) / GB))
  const wanted = Number(size)
  const because =
    name.trim() === ''
      ? t('things.why.name')
      : !Number.isInteger(wanted) || wanted < least
        ? t('things.why.size', { least })
        : null
  const source = { imageId: from === '' ? null : from, snapshotId: snapshot?.id ?? null }
  return (
    <Ask
      title={t('things.volumes.create')}
      submit={t('things.create')}
      because={because}
      close={close}
      work={() => createVolume(client, project.id, { name: name.trim(), size: wanted, ...source })}
      done={t('things.done.create', { name })}
      failed={t('things.failed.create', { name })}
      touches={['volumes', 'volume-limits']}
    >
      <TextField label={t('common.name')} value={name} onChange={setName} />
      {snapshot === undefined && (
        <ChoiceField
          label={t('things.volumes.source')}
          value={from}
          onChange={setFrom}
          options={[
            ['', t('things.volumes.blank')],
            ...(images.data ?? [])
              .filter(one => one.status === 'active')
              .map(one => [one.id, one.name ?? one.id] as const),
          ]}
        />
      )}
      <TextField label={t('things.volumes.size')} type="number" value={size} onChange={setSize} />
    </Ask>
  )
}
