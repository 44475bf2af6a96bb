// A serial log as the terminal it was written to: colours kept, nothing typed.
import '@xterm/xterm/css/xterm.css'
import '#app/ui/screens.css'
import { FitAddon } from '@xterm/addon-fit'
import { Terminal } from '@xterm/xterm'
import { useEffect, useRef } from 'react'

interface Props {
  readonly text: string
  readonly label: string
}

export function LogScreen({ text, label }: Props) {
  const box = useRef<HTMLDivElement>(null)
  const terminal = useRef<Terminal | null>(null)
  const written = useRef('')

  useEffect(() => {
    if (box.current === null) return
    const term = new Terminal({
      convertEol: true,
      disableStdin: true,
      cursorInactiveStyle: 'none',
      fontFamily: 'ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace',
      fontSize: 13,
      scrollback: 100_000,
      screenReaderMode: true,
      theme: { background: '#151515', foreground: '#e0e0e0' },
    })
    const fit = new FitAddon()
    term.loadAddon(fit)
    term.open(box.current)
    // Tab must leave the log, not be typed into it.
    term.attachCustomKeyEventHandler(event => event.key !== 'Tab')
    const watcher = new ResizeObserver(() => fit.fit())
    watcher.observe(box.current)
    terminal.current = term
    written.current = ''
    return () => {
      watcher.disconnect()
      term.dispose()
      terminal.current = null
    }
  }, [])

  useEffect(() => {
    const term = terminal.current
    if (term === null || text === written.current) return
    if (written.current !== '' && text.startsWith(written.current)) term.write(text.slice(written.current.length))
    else {
      term.reset()
      term.write(text)
    }
    written.current = text
  }, [text])

  return <div className="koto-log" ref={box} role="log" aria-label={label} />
}
