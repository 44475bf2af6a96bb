// The page of the launch form. Afterwards one watches the journey of what was launched.
import { Breadcrumb, BreadcrumbItem, PageSection } from '@patternfly/react-core'
import { Link, useNavigate } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { ServerCreate } from '#app/forms/server-create.tsx'
import { PageHead } from '#app/pages/page-head.tsx'

export default function ServerCreatePage() {
  const { t } = useTranslation()
  const navigate = useNavigate()
  return (
    <>
      <PageHead
        title={t('launch.title')}
        above={
          <Breadcrumb>
            <BreadcrumbItem>
              <Link to="/servers">{t('servers.title')}</Link>
            </BreadcrumbItem>
            <BreadcrumbItem isActive>{t('launch.title')}</BreadcrumbItem>
          </Breadcrumb>
        }
      />
      <PageSection isFilled>
        <ServerCreate
          onCreated={serverId =>
            void navigate({ to: '/servers/$serverId', params: { serverId }, search: { tab: 'journey' } })
          }
          onCancel={() => void navigate({ to: '/servers' })}
        />
      </PageSection>
    </>
  )
}
