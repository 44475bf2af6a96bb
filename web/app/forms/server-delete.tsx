// Asks before a server is deleted.
import { Button, Modal, ModalBody, ModalFooter, ModalHeader } from '@patternfly/react-core'
import { useTranslation } from 'react-i18next'
import type { Server } from '#app/api/compute.ts'
import { useServerDeed } from '#app/ui/use-server-actions.ts'

interface Props {
  /** Null: nothing is asked. */
  readonly server: Server | null
  readonly close: () => void
  readonly onDeleted?: () => void
}

export function ServerDelete({ server, close, onDeleted }: Props) {
  const { t } = useTranslation()
  const deed = useServerDeed()
  if (server === null) return null
  const confirm = (): void => {
    deed.mutate(
      { server, verb: 'delete' },
      {
        onSuccess: () => onDeleted?.(),
        onSettled: close,
      },
    )
  }
  return (
    <Modal variant="small" isOpen onClose={close} aria-labelledby="delete-title" aria-describedby="delete-text">
      <ModalHeader
        title={t('server.deleteTitle', { name: server.name })}
        titleIconVariant="warning"
        labelId="delete-title"
      />
      <ModalBody id="delete-text">{t('server.deleteText')}</ModalBody>
      <ModalFooter>
        <Button variant="danger" isLoading={deed.isPending} isDisabled={deed.isPending} onClick={confirm}>
          {t('server.action.delete')}
        </Button>
        <Button variant="link" onClick={close}>
          {t('common.cancel')}
        </Button>
      </ModalFooter>
    </Modal>
  )
}
