// The actions of one server behind three dots.
import { Divider, Dropdown, DropdownItem, DropdownList, MenuToggle } from '@patternfly/react-core'
import EllipsisVIcon from '@patternfly/react-icons/dist/esm/icons/ellipsis-v-icon'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Server } from '#app/api/compute.ts'
import { useServerDeed, useWhyNot } from '#app/ui/use-server-actions.ts'

interface Props {
  readonly server: Server
  readonly askDelete: (server: Server) => void
}

export function ServerMenu({ server, askDelete }: Props) {
  const { t } = useTranslation()
  const [open, setOpen] = useState(false)
  const deed = useServerDeed()
  const whyNot = useWhyNot()
  const item = (verb: 'start' | 'stop' | 'reboot' | 'reboot-hard' | 'delete') => {
    const because = whyNot(verb, server)
    const act = (): void => {
      setOpen(false)
      if (verb === 'delete') askDelete(server)
      else deed.mutate({ server, verb })
    }
    return (
      <DropdownItem
        key={verb}
        isDanger={verb === 'delete'}
        isAriaDisabled={because !== null}
        description={because}
        {...(because === null ? { onClick: act } : {})}
      >
        {t(`server.action.${verb}`)}
      </DropdownItem>
    )
  }
  return (
    <Dropdown
      isOpen={open}
      onOpenChange={setOpen}
      popperProps={{ position: 'right' }}
      toggle={ref => (
        <MenuToggle
          ref={ref}
          variant="plain"
          isExpanded={open}
          aria-label={t('servers.actionsOf', { name: server.name })}
          icon={<EllipsisVIcon />}
          onClick={() => setOpen(!open)}
        />
      )}
    >
      <DropdownList>
        {(['start', 'stop', 'reboot', 'reboot-hard'] as const).map(item)}
        <Divider component="li" />
        {item('delete')}
      </DropdownList>
    </Dropdown>
  )
}
