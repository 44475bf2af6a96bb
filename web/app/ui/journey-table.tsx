// The boot as a table that is also a sequence diagram: each row draws its arrow between the components' lifelines.
import '#app/ui/journey.css'
import { Label } from '@patternfly/react-core'
import { Fragment, useEffect, useRef, useState, type RefObject } from 'react'
import { useTranslation } from 'react-i18next'
import { BOOK, laneOf, lanesFor, LANES, type Lane } from '#app/api/journey-book.ts'
import { isOpen, type JourneyRow, type Line } from '#app/api/journey.ts'
import { en } from '#app/i18n/en.ts'
import { formatMs } from '#app/ui/format.ts'

type Kind = keyof typeof en.journey.kind

const COLORS = {
  rest: 'blue',
  call: 'purple',
  cast: 'orange',
  db: 'teal',
  driver: 'green',
  decide: 'yellow',
  skip: 'grey',
  sleep: 'grey',
} as const satisfies Record<Kind, string>

export function JourneyTable({ lines }: { readonly lines: readonly Line[] }) {
  const { t } = useTranslation()
  const [open, setOpen] = useState<string | null>(null)
  // What had happened before one looked does not make a show of arriving.
  const [before] = useState(() => new Set(lines.filter(({ row }) => row !== null).map(({ key }) => key)))
  const lanes = lanesFor(lines.flatMap(({ row }) => (row === null ? [] : [row.from, row.to])))
  const next = lines.find(line => line.row === null)?.key
  const arrived = lines.filter(line => line.row !== null && !before.has(line.key))
  const latest = arrived.at(-1)?.key
  const box = useRef<HTMLDivElement>(null)
  useFollow(box, arrived.length)
  return (
    <div className="koto-journey-scroll" ref={box}>
      <ArrowHeads />
      <table className="koto-journey" aria-label={t('journey.table')}>
        <thead>
          <tr>
            <th scope="col">{t('journey.column.step')}</th>
            <th scope="col" className="koto-journey-number">
              {t('journey.column.at')}
            </th>
            <th scope="col" className="koto-lanes-head" aria-label={t('journey.column.lanes')}>
              <LaneNames lanes={lanes} />
            </th>
            <th scope="col">{t('journey.column.what')}</th>
            <th scope="col" className="koto-journey-number">
              {t('journey.column.ms')}
            </th>
            <th scope="col">{t('journey.column.task')}</th>
          </tr>
        </thead>
        <tbody>
          {lines.map(line => (
            <Fragment key={line.key}>
              <JourneyLine
                line={line}
                lanes={lanes}
                next={line.key === next}
                fresh={!before.has(line.key)}
                latest={line.key === latest}
                open={open === line.key}
                toggle={() => setOpen(open === line.key ? null : line.key)}
              />
              {open === line.key && line.row !== null && <Details row={line.row} />}
            </Fragment>
          ))}
        </tbody>
      </table>
    </div>
  )
}

/** Keeps the latest arrival in sight, until the reader takes the page in hand. */
function useFollow(box: RefObject<HTMLElement | null>, arrivals: number): void {
  const left = useRef(false)
  useEffect(() => {
    const leave = (): void => {
      left.current = true
    }
    const signs = ['wheel', 'touchmove', 'keydown', 'pointerdown'] as const
    for (const sign of signs) addEventListener(sign, leave, { passive: true })
    return () => {
      for (const sign of signs) removeEventListener(sign, leave)
    }
  }, [])
  useEffect(() => {
    if (arrivals === 0 || left.current) return
    box.current?.querySelector('[data-latest]')?.scrollIntoView({ block: 'nearest' })
  }, [box, arrivals])
}

interface LineProps {
  readonly line: Line
  readonly lanes: readonly string[]
  readonly next: boolean
  readonly fresh: boolean
  readonly latest: boolean
  readonly open: boolean
  readonly toggle: () => void
}

function JourneyLine({ line: { step, row }, lanes, next, fresh, latest, open, toggle }: LineProps) {
  const { t } = useTranslation()
  const laneName = useLaneName()
  const book = BOOK.find(entry => entry.step === step)
  const from = row === null ? (book?.from ?? '') : laneOf(row.from)
  const to = row === null ? (book?.to ?? '') : laneOf(row.to)
  const kind = row?.kind ?? book?.kind ?? ''
  const state = row === null ? (next ? 'koto-next' : 'koto-pending') : fresh ? 'koto-done koto-fresh' : 'koto-done'
  return (
    <tr
      className={`koto-journey-line ${state}`}
      data-latest={latest || undefined}
      onClick={row === null ? undefined : toggle}
    >
      <td className="koto-journey-step">
        <button
          type="button"
          className="koto-step"
          aria-expanded={open}
          aria-label={`${t('journey.details')} ${step ?? ''}`}
          disabled={row === null}
          onClick={event => (event.stopPropagation(), toggle())}
        >
          {step ?? '·'}
        </button>
      </td>
      <td className="koto-journey-number koto-subtle koto-journey-at">
        {row === null ? '' : `${row.at_ms < 0 ? '−' : '+'}${formatMs(Math.abs(row.at_ms))}`}
      </td>
      <td className="koto-lanes">
        <Arrow lanes={lanes} from={from} to={to} kind={kind} />
        <span className="koto-lanes-text">
          {laneName(from)} → {laneName(to)}
        </span>
      </td>
      <td className="koto-journey-what">
        {step !== null && <div>{t(`journey.step.s${step}`)}</div>}
        {row === null ? (
          <span className="koto-subtle">{t('journey.pending')}</span>
        ) : (
          <span className="koto-journey-name">
            <KindLabel kind={row.kind} /> <code>{row.name}</code>
          </span>
        )}
      </td>
      <td className="koto-journey-number koto-journey-ms">
        {row === null ? '' : isOpen(row) ? '…' : formatMs(row.ms)}
      </td>
      <td className="koto-journey-task">
        {row !== null && (row.task ?? row.status) !== null && <code>{row.task ?? row.status}</code>}
      </td>
    </tr>
  )
}

function Details({ row }: { readonly row: JourneyRow }) {
  const { t } = useTranslation()
  const facts = Object.entries(row.detail ?? {})
  return (
    <tr className="koto-journey-details">
      <td />
      <td colSpan={5}>
        <dl>
          <dt>{t('journey.column.lanes')}</dt>
          <dd>
            <code>
              {row.from} → {row.to}
            </code>
          </dd>
          <dt>{t('servers.status')}</dt>
          <dd>
            <code>
              {row.status ?? '–'} · {row.task ?? '–'}
            </code>
          </dd>
          <dt>request_id</dt>
          <dd>
            <code>{row.request_id}</code>
          </dd>
          {facts.map(([name, value]) => (
            <Fragment key={name}>
              <dt>{name}</dt>
              <dd>
                <code>{typeof value === 'string' ? value : JSON.stringify(value)}</code>
              </dd>
            </Fragment>
          ))}
        </dl>
      </td>
    </tr>
  )
}

function KindLabel({ kind }: { readonly kind: string }) {
  const { t } = useTranslation()
  if (!(kind in COLORS)) return <Label isCompact>{kind}</Label>
  const known = kind as Kind
  return (
    <Label isCompact color={COLORS[known]}>
      {t(`journey.kind.${known}`)}
    </Label>
  )
}

/** Where a lane's lifeline stands, in percent of the drawing's width. */
const place = (lanes: readonly string[], lane: string): number => ((lanes.indexOf(lane) + 0.5) / lanes.length) * 100

interface ArrowProps {
  readonly lanes: readonly string[]
  readonly from: string
  readonly to: string
  readonly kind: string
}

function Arrow({ lanes, from, to, kind }: ArrowProps) {
  const start = place(lanes, from)
  const end = place(lanes, to)
  const known = kind in COLORS ? kind : 'sleep'
  return (
    <svg className={`koto-arrow koto-arrow-${known}`} aria-hidden="true">
      {lanes.map(lane => (
        <line
          key={lane}
          className={lane === from || lane === to ? 'koto-lifeline koto-lifeline-used' : 'koto-lifeline'}
          x1={`${place(lanes, lane)}%`}
          x2={`${place(lanes, lane)}%`}
          y1="0"
          y2="100%"
        />
      ))}
      <circle className="koto-arrow-dot" cx={`${start}%`} cy="50%" r="4" />
      {from !== to && (
        <line
          className="koto-arrow-line"
          x1={`${start}%`}
          x2={`${end}%`}
          y1="50%"
          y2="50%"
          markerEnd={`url(#koto-head-${known})`}
        />
      )}
      {from === to && <circle className="koto-arrow-loop" cx={`${start}%`} cy="50%" r="8" />}
    </svg>
  )
}

/** The arrows' heads, once for all rows. */
function ArrowHeads() {
  return (
    <svg className="koto-arrow-heads" aria-hidden="true">
      <defs>
        {Object.keys(COLORS).map(kind => (
          <marker
            key={kind}
            id={`koto-head-${kind}`}
            className={`koto-arrow-${kind}`}
            viewBox="0 0 10 10"
            refX="9"
            refY="5"
            markerWidth="9"
            markerHeight="9"
            markerUnits="userSpaceOnUse"
            orient="auto"
          >
            <path className="koto-arrow-head" d="M0 0 10 5 0 10z" />
          </marker>
        ))}
      </defs>
    </svg>
  )
}

function LaneNames({ lanes }: { readonly lanes: readonly string[] }) {
  const laneName = useLaneName()
  return (
    <span className="koto-lane-names" aria-hidden="true">
      {lanes.map(lane => (
        <span key={lane} style={{ left: `${place(lanes, lane)}%` }}>
          {laneName(lane)}
        </span>
      ))}
    </span>
  )
}

function useLaneName(): (lane: string) => string {
  const { t } = useTranslation()
  return lane => ((LANES as readonly string[]).includes(lane) ? t(`journey.lane.${lane as Lane}`) : lane)
}
