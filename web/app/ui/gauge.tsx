// How much of a quota is used, as a ring; a second, lighter arc for what would be added.
import { useTranslation } from 'react-i18next'

export interface GaugeProps {
  readonly label: string
  readonly used: number
  /** Below zero: no limit. */
  readonly limit: number
  readonly adds?: number
  readonly format?: (value: number) => string
}

const ROUND = 2 * Math.PI * 42

export function Gauge({ label, used, limit, adds = 0, format = String }: GaugeProps) {
  const { t } = useTranslation()
  const part = (value: number): number => (limit > 0 ? Math.min(1, value / limit) : 0)
  const now = part(used)
  const then = part(used + adds)
  const over = limit >= 0 && used + adds > limit
  const text =
    limit < 0
      ? t('overview.usedNoLimit', { used: format(used) })
      : t('overview.used', { used: format(used), limit: format(limit) })
  return (
    <div className={`koto-gauge${over ? ' koto-gauge-over' : now >= 0.8 ? ' koto-gauge-high' : ''}`}>
      <svg
        viewBox="0 0 100 100"
        role="meter"
        aria-label={label}
        aria-valuemin={0}
        aria-valuemax={Math.max(limit, used, 0)}
        aria-valuenow={used}
        aria-valuetext={text}
      >
        <circle className="koto-gauge-track" cx="50" cy="50" r="42" />
        {adds > 0 && <Arc className="koto-gauge-adds" part={then} />}
        <Arc className="koto-gauge-used" part={now} />
        <text x="50" y="50" dominantBaseline="central" textAnchor="middle">
          {limit < 0 ? '∞' : `${Math.round(then * 100)}%`}
        </text>
      </svg>
      <div>
        <div className="koto-gauge-label">{label}</div>
        <div className="koto-subtle">{text}</div>
      </div>
    </div>
  )
}

function Arc({ className, part }: { readonly className: string; readonly part: number }) {
  if (part <= 0) return null
  return <circle className={className} cx="50" cy="50" r="42" strokeDasharray={`${part * ROUND} ${ROUND}`} />
}
