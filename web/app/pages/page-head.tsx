// The top of a page: where one is, what it is called, what one can do here. It also names the browser's tab.
import { Content, Flex, FlexItem, PageSection } from '@patternfly/react-core'
import { useEffect, type ReactNode } from 'react'

interface Props {
  readonly title: string
  readonly above?: ReactNode
  readonly beside?: ReactNode
  readonly actions?: ReactNode
}

export function PageHead({ title, above, beside, actions }: Props) {
  usePageTitle(title)
  return (
    <PageSection className="koto-page-head">
      {above}
      <Flex alignItems={{ default: 'alignItemsCenter' }} rowGap={{ default: 'rowGapSm' }}>
        <FlexItem>
          <Content component="h1">{title}</Content>
        </FlexItem>
        {beside !== undefined && <FlexItem>{beside}</FlexItem>}
        {actions !== undefined && <FlexItem align={{ default: 'alignRight' }}>{actions}</FlexItem>}
      </Flex>
    </PageSection>
  )
}

export function usePageTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · Koto`
  }, [title])
}
