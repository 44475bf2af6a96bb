// Language and theme, small, for the foot of the sign-in page.
import { Button } from '@patternfly/react-core'
import { useTranslation } from 'react-i18next'
import { chooseLanguage, LANGUAGES } from '#app/i18n/i18n.ts'
import { THEMES, useTheme, type Theme } from '#app/ui/theme.ts'

export const LANGUAGE_NAMES = { en: 'English', ja: '日本語' } as const
export const THEME_KEYS = {
  auto: 'nav.themeAuto',
  light: 'nav.themeLight',
  dark: 'nav.themeDark',
} as const satisfies Record<Theme, string>

export function LookChoice() {
  const { t, i18n } = useTranslation()
  const [theme, setTheme] = useTheme()
  return (
    <div className="koto-look">
      <div role="group" aria-label={t('nav.language')}>
        {LANGUAGES.map(language => (
          <Button
            key={language}
            variant="link"
            size="sm"
            lang={language}
            aria-pressed={i18n.language === language}
            onClick={() => void chooseLanguage(i18n, localStorage, language)}
          >
            {LANGUAGE_NAMES[language]}
          </Button>
        ))}
      </div>
      <div role="group" aria-label={t('nav.theme')}>
        {THEMES.map(it => (
          <Button key={it} variant="link" size="sm" aria-pressed={theme === it} onClick={() => setTheme(it)}>
            {t(THEME_KEYS[it])}
          </Button>
        ))}
      </div>
    </div>
  )
}
