// What stands in the place of data that is not there yet, or could not be read.
import { Alert, Bullseye, Button, Spinner } from '@patternfly/react-core'
import type { UseQueryResult } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { ApiError } from '#app/api/api-error.ts'

interface Props<T> {
  readonly query: UseQueryResult<T>
  readonly children: (data: T) => ReactNode
}

/** Shows `children` once there is data, and keeps showing it when a later refresh fails. */
export function QueryState<T>({ query, children }: Props<T>) {
  const { t } = useTranslation()
  if (query.data !== undefined) return <>{children(query.data)}</>
  if (query.error !== null) return <ReadFailure error={query.error} retry={() => void query.refetch()} />
  return (
    <Bullseye className="koto-waiting">
      <Spinner aria-label={t('common.loading')} />
    </Bullseye>
  )
}

export function ReadFailure({ error, retry }: { readonly error: unknown; readonly retry?: () => void }) {
  const { t } = useTranslation()
  const id = error instanceof ApiError ? error.requestId : null
  const offline = error instanceof ApiError && error.status === 0
  const text = offline ? t('error.offline') : error instanceof Error ? error.message : String(error)
  const button = retry && (
    <Button variant="link" isInline onClick={retry}>
      {t('common.retry')}
    </Button>
  )
  return (
    <Alert isInline variant="danger" title={t('error.read')} actionLinks={button}>
      {text} {id !== null && <span className="koto-subtle">{t('common.requestId', { id })}</span>}
    </Alert>
  )
}
