// A button that knows why it does not work: it stays reachable by keyboard and says the reason.
import { Button, Tooltip, type ButtonProps } from '@patternfly/react-core'

interface Props extends ButtonProps {
  /** Why not; null when it works. */
  readonly because: string | null
}

export function VerdictButton({ because, ...rest }: Props) {
  if (because === null) return <Button {...rest} />
  return (
    <Tooltip content={because}>
      <Button {...rest} isAriaDisabled />
    </Tooltip>
  )
}
