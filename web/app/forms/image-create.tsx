// A new image: a file of this machine's, or an address that Glance fetches it from.
import { FormGroup } from '@patternfly/react-core'
import { useId, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { createImage, DISK_FORMATS } from '#app/api/image.ts'
import { Ask, ChoiceField, TextField } from '#app/forms/ask.tsx'
import { useClient } from '#app/ui/cloud.tsx'

export function ImageCreate({ close }: { readonly close: () => void }) {
  const { t } = useTranslation()
  const client = useClient()
  const [name, setName] = useState('')
  const [format, setFormat] = useState<string>('qcow2')
  const [way, setWay] = useState('file')
  const [file, setFile] = useState<File | null>(null)
  const [url, setUrl] = useState('')
  const fileId = useId()
  const from = way === 'file' ? file : url.trim()
  const because =
    name.trim() === '' ? t('things.why.name') : from === null || from === '' ? t('things.why.bytes') : null
  return (
    <Ask
      title={t('things.images.create')}
      submit={t('things.create')}
      because={because}
      close={close}
      work={() => createImage(client, { name: name.trim(), diskFormat: format, from: from ?? '' })}
      done={t('things.done.create', { name })}
      failed={t('things.failed.create', { name })}
      touches={['images']}
    >
      <TextField label={t('common.name')} value={name} onChange={setName} />
      <ChoiceField
        label={t('things.images.format')}
        value={format}
        onChange={setFormat}
        options={DISK_FORMATS.map(one => [one, one] as const)}
      />
      <ChoiceField
        label={t('things.images.from')}
        value={way}
        onChange={setWay}
        options={[
          ['file', t('things.images.file')],
          ['url', t('things.images.url')],
        ]}
      />
      {way === 'file' ? (
        <FormGroup label={t('things.images.file')} isRequired fieldId={fileId}>
          <input id={fileId} type="file" onChange={event => setFile(event.currentTarget.files?.[0] ?? null)} />
        </FormGroup>
      ) : (
        <TextField label={t('things.images.url')} type="url" value={url} onChange={setUrl} />
      )}
    </Ask>
  )
}
