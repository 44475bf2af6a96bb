// Koto's mark: strings and bridges of the instrument.

export function Mark({ size = 32 }: { readonly size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true" className="koto-mark">
      <rect width="32" height="32" rx="7" />
      <path d="M5 8h22M5 13.3h22M5 18.7h22M5 24h22" />
      <circle cx="10" cy="24" r="2.6" />
      <circle cx="14.5" cy="18.7" r="2.6" />
      <circle cx="19" cy="13.3" r="2.6" />
      <circle cx="23.5" cy="8" r="2.6" />
    </svg>
  )
}
