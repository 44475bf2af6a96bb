// What the server wrote to its serial port.
import { Button, FormSelect, FormSelectOption, Switch } from '@patternfly/react-core'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { lazy, Suspense, useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Server } from '#app/api/compute.ts'
import { consoleLogQuery } from '#app/api/queries.ts'
import { useClient } from '#app/ui/cloud.tsx'
import { QueryState } from '#app/ui/query-state.tsx'

const LogScreen = lazy(() => import('#app/ui/log-screen.tsx').then(it => ({ default: it.LogScreen })))

const LENGTHS = [50, 200, 1000] as const
const FOLLOW_MS = 2000

export default function ServerLog({ server }: { readonly server: Server }) {
  const { t } = useTranslation()
  const [lines, setLines] = useState<number | null>(200)
  const [follow, setFollow] = useState(true)
  const log = useQuery({
    ...consoleLogQuery(useClient(), server.id, lines),
    placeholderData: keepPreviousData,
    refetchInterval: query => (follow && query.state.error === null ? FOLLOW_MS : false),
  })
  return (
    <>
      <div className="koto-bar">
        <div className="koto-narrow">
          <FormSelect
            aria-label={t('log.lines')}
            value={String(lines ?? 'all')}
            onChange={(_event, value) => setLines(value === 'all' ? null : Number(value))}
          >
            {LENGTHS.map(length => (
              <FormSelectOption key={length} value={String(length)} label={`${t('log.lines')}: ${length}`} />
            ))}
            <FormSelectOption value="all" label={`${t('log.lines')}: ${t('log.all')}`} />
          </FormSelect>
        </div>
        <Switch
          id="log-follow"
          label={t('log.follow')}
          isChecked={follow}
          onChange={(_event, checked) => setFollow(checked)}
        />
        <Button variant="secondary" isLoading={log.isFetching && !follow} onClick={() => void log.refetch()}>
          {t('log.refresh')}
        </Button>
      </div>
      <QueryState query={log}>
        {text =>
          text === '' ? (
            <p className="koto-subtle">{t('log.empty')}</p>
          ) : (
            <Suspense>
              <LogScreen text={text} label={t('log.label')} />
            </Suspense>
          )
        }
      </QueryState>
    </>
  )
}
