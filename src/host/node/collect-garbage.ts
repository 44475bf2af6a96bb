// What a start leaves behind is collected once, soon after: V8 by itself keeps it for as long as little new is made.
import v8 from 'node:v8'
import vm from 'node:vm'

/** A few tens of milliseconds on the event loop, in the second after `afterMs`. The process may end before. */
export function collectGarbageOnce(afterMs: number): void {
  setTimeout(() => {
    v8.setFlagsFromString('--expose-gc')
    const collect = vm.runInNewContext('gc') as (options: { type: 'major'; flavor: 'last-resort' }) => void
    collect({ type: 'major', flavor: 'last-resort' })
  }, afterMs).unref()
}
