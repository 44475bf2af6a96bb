// A moment: how long ago, with the exact time when one points at it.
import { useTranslation } from 'react-i18next'

const UNITS = [
  ['year', 31_557_600_000],
  ['month', 2_629_800_000],
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
] as const

export function When({ iso }: { readonly iso: string }) {
  const { i18n } = useTranslation()
  // compat: Nova's `OS-SRV-USG:launched_at` has no zone but means UTC.
  const date = new Date(/(Z|[+-]\d\d:?\d\d)$/.test(iso) ? iso : `${iso}Z`)
  if (Number.isNaN(date.getTime())) return <>{iso}</>
  const exact = new Intl.DateTimeFormat(i18n.language, { dateStyle: 'medium', timeStyle: 'medium' }).format(date)
  return (
    <time dateTime={date.toISOString()} title={exact}>
      {ago(date.getTime() - Date.now(), i18n.language)}
    </time>
  )
}

function ago(ms: number, language: string): string {
  const words = new Intl.RelativeTimeFormat(language, { numeric: 'auto' })
  for (const [unit, size] of UNITS) {
    if (Math.abs(ms) >= size) return words.format(Math.round(ms / size), unit)
  }
  return words.format(Math.min(0, Math.round(ms / 1000)), 'second')
}
