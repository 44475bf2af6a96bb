// A status of anything but a server: the service's own word with a colour.
import { Label, Spinner } from '@patternfly/react-core'

const GOOD = /^(active|available|in-use)$/i

export function WordLabel({ word }: { readonly word: string }) {
  const moving = /(ing|BUILD|queued)$/.test(word)
  const color = /error|killed/i.test(word) ? 'red' : moving ? 'blue' : GOOD.test(word) ? 'green' : 'grey'
  return (
    <Label color={color} isCompact icon={moving ? <Spinner isInline aria-hidden="true" /> : undefined}>
      {word.toLowerCase()}
    </Label>
  )
}
