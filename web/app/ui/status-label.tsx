// A server's status as a word with a colour, and the task under way beside it.
import { Label, Spinner } from '@patternfly/react-core'
import CheckCircleIcon from '@patternfly/react-icons/dist/esm/icons/check-circle-icon'
import ExclamationCircleIcon from '@patternfly/react-icons/dist/esm/icons/exclamation-circle-icon'
import PauseCircleIcon from '@patternfly/react-icons/dist/esm/icons/pause-circle-icon'
import PowerOffIcon from '@patternfly/react-icons/dist/esm/icons/power-off-icon'
import { useTranslation } from 'react-i18next'
import { inTransition, type Server } from '#app/api/compute.ts'
import { en } from '#app/i18n/en.ts'

type Known = keyof typeof en.status

/** Nova's word, in the reader's language where it has one. */
export function useStatusName(): (status: string) => string {
  const { t } = useTranslation()
  return status => (status in en.status ? t(`status.${status as Known}`) : status)
}

export function StatusLabel({ server }: { readonly server: Server }) {
  const statusName = useStatusName()
  const task = server['OS-EXT-STS:task_state']
  const moving = inTransition(server)
  const { color, Icon } = look(server.status, moving)
  const icon = moving ? <Spinner isInline aria-hidden="true" /> : <Icon />
  return (
    <span className="koto-status" title={task === null ? server.status : `${server.status} · ${task}`}>
      <Label color={color} icon={icon} isCompact>
        {statusName(server.status)}
      </Label>
      {task !== null && <span className="koto-task">{task}</span>}
    </span>
  )
}

function look(status: string, moving: boolean) {
  if (status === 'ERROR') return { color: 'red', Icon: ExclamationCircleIcon } as const
  if (moving) return { color: 'blue', Icon: CheckCircleIcon } as const
  if (status === 'ACTIVE') return { color: 'green', Icon: CheckCircleIcon } as const
  if (status === 'PAUSED' || status === 'SUSPENDED') return { color: 'orange', Icon: PauseCircleIcon } as const
  return { color: 'grey', Icon: PowerOffIcon } as const
}
