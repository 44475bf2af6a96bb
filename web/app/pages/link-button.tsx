// A button that is a link of the router: it can be opened in another tab, and does not reload the page.
import { Button, type ButtonProps } from '@patternfly/react-core'
import { createLink } from '@tanstack/react-router'
import type { Ref } from 'react'

function Anchor({ ref, ...props }: Omit<ButtonProps, 'component' | 'ref'> & { readonly ref?: Ref<HTMLButtonElement> }) {
  return <Button {...props} component="a" {...(ref === undefined ? {} : { ref })} />
}

export const LinkButton = createLink(Anchor)
