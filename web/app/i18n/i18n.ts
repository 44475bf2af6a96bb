// Which language, and its messages. English is always there; Japanese is fetched when asked for.
import { createInstance, type i18n } from 'i18next'
import { initReactI18next } from 'react-i18next'
import { en } from '#app/i18n/en.ts'

export const LANGUAGES = ['en', 'ja'] as const
export type Language = (typeof LANGUAGES)[number]

const KEY = 'koto.language'

/** The language chosen before, else the first of the browser's that we speak, else English. */
export function preferredLanguage(kept: string | null, wished: readonly string[]): Language {
  const known = (tag: string): Language | undefined =>
    LANGUAGES.find(language => tag.toLowerCase().startsWith(language))
  if (kept !== null) return known(kept) ?? 'en'
  return wished.map(known).find(language => language !== undefined) ?? 'en'
}

/** The translator in the preferred language, ready to use. */
export async function createI18n(storage: Storage, wished: readonly string[]): Promise<i18n> {
  const i18n = createInstance()
  await i18n.use(initReactI18next).init({
    lng: 'en',
    fallbackLng: 'en',
    ns: ['koto'],
    defaultNS: 'koto',
    resources: { en: { koto: en } },
    interpolation: { escapeValue: false },
    returnNull: false,
  })
  await speak(i18n, preferredLanguage(storage.getItem(KEY), wished))
  return i18n
}

/** Changes the language and remembers it. */
export async function chooseLanguage(i18n: i18n, storage: Storage, language: Language): Promise<void> {
  storage.setItem(KEY, language)
  await speak(i18n, language)
}

async function speak(i18n: i18n, language: Language): Promise<void> {
  if (language === 'ja' && !i18n.hasResourceBundle('ja', 'koto')) {
    const { ja } = await import('#app/i18n/ja.ts')
    i18n.addResourceBundle('ja', 'koto', ja)
  }
  await i18n.changeLanguage(language)
  document.documentElement.lang = language
}
