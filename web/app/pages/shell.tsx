// The frame around every page of someone signed in: brand, project, commands, person, navigation.
import {
  Button,
  Masthead,
  MastheadBrand,
  MastheadContent,
  MastheadLogo,
  MastheadMain,
  MastheadToggle,
  Nav,
  NavItem,
  NavList,
  Page,
  PageSidebar,
  PageSidebarBody,
  PageToggleButton,
  SkipToContent,
  Toolbar,
  ToolbarContent,
  ToolbarGroup,
  ToolbarItem,
} from '@patternfly/react-core'
import TerminalIcon from '@patternfly/react-icons/dist/esm/icons/terminal-icon'
import { Link, Outlet, useLocation } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { PersonMenu } from '#app/pages/person-menu.tsx'
import { ProjectMenu } from '#app/pages/project-menu.tsx'
import { Mark } from '#app/ui/brand.tsx'
import { useProject } from '#app/ui/cloud.tsx'
import { CommandList } from '#app/ui/command-list.tsx'

const MAIN = 'main'

export default function Shell() {
  const { t } = useTranslation()
  const project = useProject()
  const [commands, setCommands] = useState(false)
  const masthead = (
    <Masthead>
      <MastheadMain>
        <MastheadToggle>
          <PageToggleButton isHamburgerButton aria-label={t('nav.toggle')} />
        </MastheadToggle>
        <MastheadBrand>
          <MastheadLogo component={props => <Link {...props} to="/" />} className="koto-brand">
            <Mark />
            <span className="koto-brand-name">{t('brand.name')}</span>
            <span className="koto-brand-product">{t('brand.product')}</span>
          </MastheadLogo>
        </MastheadBrand>
      </MastheadMain>
      <MastheadContent>
        <Toolbar isFullHeight isStatic>
          <ToolbarContent>
            <ToolbarItem>
              <ProjectMenu />
            </ToolbarItem>
            <ToolbarGroup align={{ default: 'alignEnd' }} gap={{ default: 'gapSm' }}>
              <ToolbarItem>
                <Button
                  variant="plain"
                  aria-label={t('nav.commands')}
                  aria-expanded={commands}
                  icon={<TerminalIcon />}
                  onClick={() => setCommands(!commands)}
                >
                  <span className="koto-wide"> {t('nav.commands')}</span>
                </Button>
              </ToolbarItem>
              <ToolbarItem>
                <PersonMenu />
              </ToolbarItem>
            </ToolbarGroup>
          </ToolbarContent>
        </Toolbar>
      </MastheadContent>
    </Masthead>
  )
  return (
    <Page
      masthead={masthead}
      sidebar={<Sidebar />}
      isManagedSidebar
      isContentFilled
      mainContainerId={MAIN}
      skipToContent={<SkipToContent href={`#${MAIN}`}>{t('common.skip')}</SkipToContent>}
      isNotificationDrawerExpanded={commands}
      notificationDrawer={
        <section className="koto-drawer" aria-label={t('commands.title')}>
          <div className="koto-drawer-head">
            <h2>{t('commands.title')}</h2>
            <Button variant="plain" aria-label={t('common.close')} onClick={() => setCommands(false)}>
              ✕
            </Button>
          </div>
          <CommandList />
        </section>
      }
    >
      {/* Another project is another world: nothing of a page outlives the change. */}
      <Outlet key={project.id} />
    </Page>
  )
}

const PLACES = [
  ['/images', 'things.images.title'],
  ['/volumes', 'things.volumes.title'],
  ['/networks', 'things.networks.title'],
  ['/floating-ips', 'things.floatingIps.title'],
  ['/security-groups', 'things.groups.title'],
] as const

function Sidebar() {
  const { t } = useTranslation()
  const path = useLocation({ select: location => location.pathname })
  return (
    <PageSidebar>
      <PageSidebarBody>
        <Nav aria-label={t('nav.label')}>
          <NavList>
            <NavItem isActive={path === '/'}>
              <Link to="/">{t('nav.overview')}</Link>
            </NavItem>
            <NavItem isActive={path.startsWith('/servers')}>
              <Link to="/servers">{t('nav.servers')}</Link>
            </NavItem>
            {PLACES.map(([to, key]) => (
              <NavItem key={to} isActive={path.startsWith(to)}>
                <Link to={to}>{t(key)}</Link>
              </NavItem>
            ))}
          </NavList>
        </Nav>
      </PageSidebarBody>
    </PageSidebar>
  )
}
