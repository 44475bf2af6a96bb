// What one sees when there is no such page, or a page broke.
import { Button, EmptyState, EmptyStateBody, EmptyStateFooter, PageSection } from '@patternfly/react-core'
import { useTranslation } from 'react-i18next'
import { LinkButton } from '#app/pages/link-button.tsx'

export function NotFound() {
  const { t } = useTranslation()
  return (
    <PageSection isFilled>
      <EmptyState titleText={t('error.notFound')} headingLevel="h1">
        <EmptyStateFooter>
          <LinkButton to="/" variant="link">
            {t('error.home')}
          </LinkButton>
        </EmptyStateFooter>
      </EmptyState>
    </PageSection>
  )
}

/** After an update of the cloud an old page asks for scripts that are gone: loading it afresh mends that. */
export function Broken({ error }: { readonly error: unknown }) {
  const { t } = useTranslation()
  return (
    <PageSection isFilled>
      <EmptyState titleText={t('error.title')} headingLevel="h1" status="danger">
        <EmptyStateBody>{error instanceof Error ? error.message : String(error)}</EmptyStateBody>
        <EmptyStateFooter>
          <Button onClick={() => location.reload()}>{t('common.retry')}</Button>
        </EmptyStateFooter>
      </EmptyState>
    </PageSection>
  )
}
