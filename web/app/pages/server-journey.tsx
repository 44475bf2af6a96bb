// The journey of a server's boot, as it happens.
import {
  Alert,
  Bullseye,
  EmptyState,
  EmptyStateBody,
  Label,
  Progress,
  Spinner,
  ToggleGroup,
  ToggleGroupItem,
} from '@patternfly/react-core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { ApiError } from '#app/api/api-error.ts'
import type { Server } from '#app/api/compute.ts'
import { lastsMs, linesIn, stepsDone, type Order } from '#app/api/journey.ts'
import { formatMs } from '#app/ui/format.ts'
import { JourneyTable } from '#app/ui/journey-table.tsx'
import { ReadFailure } from '#app/ui/query-state.tsx'
import { useJourney } from '#app/ui/use-journey.ts'

export default function ServerJourney({ server }: { readonly server: Server }) {
  const { t } = useTranslation()
  const [order, setOrder] = useState<Order>('book')
  const { rows, live, error } = useJourney(server.id)

  if (error instanceof ApiError && error.status === 404) {
    return (
      <EmptyState titleText={t('journey.unknown')} headingLevel="h2">
        <EmptyStateBody>{t('journey.unknownText')}</EmptyStateBody>
      </EmptyState>
    )
  }
  if (rows === null) {
    if (error !== null) return <ReadFailure error={error} />
    return (
      <Bullseye className="koto-waiting">
        <Spinner aria-label={t('common.loading')} />
      </Bullseye>
    )
  }
  const done = stepsDone(rows)
  return (
    <>
      {error !== null && <Alert isInline variant="warning" title={error instanceof Error ? error.message : ''} />}
      <div className="koto-bar">
        <ToggleGroup aria-label={t('journey.order')}>
          {(['book', 'today'] as const).map(it => (
            <ToggleGroupItem
              key={it}
              buttonId={`order-${it}`}
              text={t(`journey.${it}`)}
              isSelected={order === it}
              onChange={() => setOrder(it)}
            />
          ))}
        </ToggleGroup>
        <div className="koto-journey-progress">
          <Progress
            aria-label={t('journey.table')}
            value={done}
            max={28}
            label={t('journey.done', { done })}
            size="sm"
            {...(done === 28 ? { variant: 'success' } : {})}
          />
        </div>
        <Label isCompact color={live ? 'green' : 'grey'} icon={<span className={live ? 'koto-live' : 'koto-rest'} />}>
          {live ? t('journey.live') : t('journey.offline')}
        </Label>
        <span className="koto-subtle">{t('journey.took', { ms: formatMs(lastsMs(rows)) })}</span>
      </div>
      <p className="koto-subtle koto-gap-below">{order === 'book' ? t('journey.bookHelp') : t('journey.todayHelp')}</p>
      <JourneyTable key={order} lines={linesIn(order, rows)} />
    </>
  )
}
