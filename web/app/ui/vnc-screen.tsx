// A server's screen by noVNC: it connects when shown, and leaves when taken away.
import '#app/ui/screens.css'
import { Alert, Button, Label, Spinner } from '@patternfly/react-core'
import type RFB from '@novnc/novnc'
import { useEffect, useRef, useState, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { websocketUrl } from '#app/api/console-url.ts'

type Phase = 'connecting' | 'connected' | 'ended' | 'refused'

interface Props {
  /** Works for one connection. */
  readonly token: string
  /** Gets another token and shows it; without it there is no way to connect again. */
  readonly again?: () => void
  /** More buttons. */
  readonly tools?: ReactNode
}

export function VncScreen({ token, again, tools }: Props) {
  const { t } = useTranslation()
  const box = useRef<HTMLDivElement>(null)
  const screen = useRef<HTMLDivElement>(null)
  const firstButton = useRef<HTMLButtonElement>(null)
  const rfb = useRef<RFB | null>(null)
  const [phase, setPhase] = useState<Phase>('connecting')

  useEffect(() => {
    let gone = false
    let connection: RFB | null = null
    setPhase('connecting')
    void import('@novnc/novnc').then(({ default: Rfb }) => {
      if (gone || screen.current === null) return
      connection = new Rfb(screen.current, websocketUrl(token, location.origin), { shared: true })
      connection.scaleViewport = true
      connection.background = 'transparent'
      connection.showDotCursor = true
      let opened = false
      connection.addEventListener('connect', () => {
        opened = true
        setPhase('connected')
      })
      connection.addEventListener('disconnect', () => {
        rfb.current = null
        if (!gone) setPhase(opened ? 'ended' : 'refused')
      })
      rfb.current = connection
    })
    return () => {
      gone = true
      connection?.disconnect()
      rfb.current = null
    }
  }, [token])

  useEffect(() => {
    // The screen takes every key, Tab too; this is the way out for those without a mouse.
    const leave = (event: KeyboardEvent): void => {
      if (!(event.ctrlKey && event.altKey && event.shiftKey)) return
      rfb.current?.blur()
      firstButton.current?.focus()
    }
    const element = screen.current
    element?.addEventListener('keydown', leave, { capture: true })
    return () => element?.removeEventListener('keydown', leave, { capture: true })
  }, [])

  return (
    <div className="koto-vnc" ref={box}>
      <div className="koto-bar">
        <PhaseLabel phase={phase} />
        <span className="koto-push" />
        <Button
          ref={firstButton}
          variant="secondary"
          isDisabled={phase !== 'connected'}
          onClick={() => rfb.current?.sendCtrlAltDel()}
        >
          {t('console.ctrlAltDel')}
        </Button>
        <Button variant="secondary" onClick={() => void box.current?.requestFullscreen()}>
          {t('console.fullScreen')}
        </Button>
        {tools}
      </div>
      {(phase === 'ended' || phase === 'refused') && (
        <Alert
          isInline
          variant="warning"
          title={phase === 'ended' ? t('console.ended') : t('console.refused')}
          actionLinks={
            again && (
              <Button variant="link" isInline onClick={again}>
                {t('console.again')}
              </Button>
            )
          }
        >
          {phase === 'refused' && again === undefined ? t('console.usedUp') : t('console.endedText')}
        </Alert>
      )}
      <div className="koto-vnc-screen" ref={screen} role="application" aria-label={t('console.screen')} />
      <p className="koto-subtle koto-vnc-hint">{t('console.leave')}</p>
    </div>
  )
}

function PhaseLabel({ phase }: { readonly phase: Phase }) {
  const { t } = useTranslation()
  if (phase === 'connecting') {
    return (
      <Label color="blue" icon={<Spinner isInline aria-hidden="true" />}>
        {t('console.connecting')}
      </Label>
    )
  }
  if (phase === 'connected') return <Label color="green">{t('console.connected')}</Label>
  return <Label color="grey">{phase === 'ended' ? t('console.ended') : t('console.refused')}</Label>
}
