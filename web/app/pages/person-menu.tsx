// Who is signed in, how the page looks to them, and the way out.
import { Divider, Dropdown, DropdownGroup, DropdownItem, DropdownList, MenuToggle } from '@patternfly/react-core'
import CheckIcon from '@patternfly/react-icons/dist/esm/icons/check-icon'
import UserIcon from '@patternfly/react-icons/dist/esm/icons/user-icon'
import { useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { revoke } from '#app/api/identity.ts'
import { chooseLanguage, LANGUAGES } from '#app/i18n/i18n.ts'
import { useCloud, useSession } from '#app/ui/cloud.tsx'
import { LANGUAGE_NAMES, THEME_KEYS } from '#app/ui/look-choice.tsx'
import { THEMES, useTheme } from '#app/ui/theme.ts'

export function PersonMenu() {
  const { t, i18n } = useTranslation()
  const { client, session: store } = useCloud()
  const session = useSession()
  const queries = useQueryClient()
  const navigate = useNavigate()
  const [theme, setTheme] = useTheme()
  const [open, setOpen] = useState(false)

  const signOut = async (): Promise<void> => {
    setOpen(false)
    await navigate({ to: '/sign-in' })
    store.write(null)
    queries.clear()
    if (session !== null) await revoke(client, session)
  }
  const mark = (chosen: boolean) => (chosen ? <CheckIcon /> : <span className="koto-no-icon" />)

  return (
    <Dropdown
      isOpen={open}
      onOpenChange={setOpen}
      popperProps={{ position: 'right' }}
      toggle={ref => (
        <MenuToggle
          ref={ref}
          variant="plainText"
          isExpanded={open}
          icon={<UserIcon />}
          aria-label={session?.user.name ?? ''}
          onClick={() => setOpen(!open)}
        >
          <span className="koto-wide">{session?.user.name}</span>
        </MenuToggle>
      )}
    >
      <DropdownList>
        <DropdownItem isDisabled description={t('nav.roles', { roles: session?.roles.join(', ') ?? '' })}>
          {session?.user.name} · {session?.user.domain}
        </DropdownItem>
      </DropdownList>
      <Divider />
      <DropdownGroup label={t('nav.language')}>
        <DropdownList>
          {LANGUAGES.map(language => (
            <DropdownItem
              key={language}
              lang={language}
              icon={mark(i18n.language === language)}
              onClick={() => void chooseLanguage(i18n, localStorage, language)}
            >
              {LANGUAGE_NAMES[language]}
            </DropdownItem>
          ))}
        </DropdownList>
      </DropdownGroup>
      <DropdownGroup label={t('nav.theme')}>
        <DropdownList>
          {THEMES.map(it => (
            <DropdownItem key={it} icon={mark(theme === it)} onClick={() => setTheme(it)}>
              {t(THEME_KEYS[it])}
            </DropdownItem>
          ))}
        </DropdownList>
      </DropdownGroup>
      <Divider />
      <DropdownList>
        <DropdownItem onClick={() => void signOut()}>{t('nav.signOut')}</DropdownItem>
      </DropdownList>
    </Dropdown>
  )
}
