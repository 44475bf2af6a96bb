// Images that the project may see: uploaded, fetched, and made into volumes.
import { Button, PageSection } from '@patternfly/react-core'
import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { deleteImage, type Image } from '#app/api/image.ts'
import { imagesQuery } from '#app/api/queries.ts'
import { Ask, useQuestion } from '#app/forms/ask.tsx'
import { ImageCreate } from '#app/forms/image-create.tsx'
import { VolumeCreate } from '#app/forms/volume-create.tsx'
import { PageHead } from '#app/pages/page-head.tsx'
import { useClient, useIsAdmin, useProject } from '#app/ui/cloud.tsx'
import { formatBytes } from '#app/ui/format.ts'
import { QueryState } from '#app/ui/query-state.tsx'
import { ThingTable, type Action } from '#app/ui/thing-table.tsx'
import { WordLabel } from '#app/ui/word-label.tsx'

export default function Images() {
  const { t } = useTranslation()
  const client = useClient()
  const project = useProject()
  const admin = useIsAdmin()
  const images = useQuery(imagesQuery(client))
  const [question, ask] = useQuestion()
  const nameOf = (image: Image): string => image.name ?? image.id
  const actions = (image: Image): Action[] => [
    {
      title: t('things.volumes.create'),
      because: image.status === 'active' ? null : t('things.why.notActive'),
      run: () => ask(close => <VolumeCreate close={close} imageId={image.id} />),
    },
    {
      title: t('things.delete'),
      danger: true,
      because:
        image.protected === true
          ? t('things.why.protected')
          : image.owner === project.id || admin
            ? null
            : t('things.why.others'),
      run: () =>
        ask(close => (
          <Ask
            title={t('server.deleteTitle', { name: nameOf(image) })}
            submit={t('things.delete')}
            danger
            close={close}
            work={() => deleteImage(client, image.id)}
            done={t('things.done.delete', { name: nameOf(image) })}
            failed={t('things.failed.delete', { name: nameOf(image) })}
            touches={['images']}
          />
        )),
    },
  ]
  return (
    <>
      <PageHead
        title={t('things.images.title')}
        actions={
          <Button onClick={() => ask(close => <ImageCreate close={close} />)}>{t('things.images.create')}</Button>
        }
      />
      <PageSection isFilled>
        <QueryState query={images}>
          {all => (
            <ThingTable
              label={t('things.images.title')}
              rows={all}
              name={nameOf}
              words={image => [nameOf(image), image.id]}
              empty={t('things.images.empty')}
              actions={actions}
              columns={[
                { title: t('common.name'), cell: nameOf },
                { title: t('servers.status'), cell: image => <WordLabel word={image.status} /> },
                { title: t('things.images.visibility'), cell: image => image.visibility },
                { title: t('things.images.format'), cell: image => image.disk_format ?? '' },
                {
                  title: t('things.images.size'),
                  cell: image => (image.size === null ? '' : formatBytes(image.size)),
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
