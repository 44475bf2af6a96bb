// The person's language: Japanese where the locale says so, English elsewhere.

export type Language = 'en' | 'ja'

/** A sentence in both languages. */
export interface Text {
  readonly en: string
  readonly ja: string
}

/** By LC_ALL, then LC_MESSAGES, then LANG: the first that is set decides. */
export function languageOf(env: Readonly<Record<string, string | undefined>>): Language {
  const locale =
    [env['LC_ALL'], env['LC_MESSAGES'], env['LANG']].find(value => value !== undefined && value !== '') ?? ''
  return /^ja([_.@-]|$)/i.test(locale) ? 'ja' : 'en'
}
