// A question over the page: some fields, one deed, and why it cannot be done yet. Also asks before something is deleted.
import {
  Button,
  Form,
  FormGroup,
  FormSelect,
  FormSelectOption,
  HelperText,
  HelperTextItem,
  Modal,
  ModalBody,
  ModalFooter,
  ModalHeader,
  TextInput,
} from '@patternfly/react-core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useId, useState, type FormEvent, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { useToasts } from '#app/ui/toasts.tsx'
import { VerdictButton } from '#app/ui/verdict-button.tsx'

interface DeedOptions {
  /** What is done, in the words of a toast. */
  readonly done: string
  readonly failed: string
  /** First words of the query keys that look again afterwards. */
  readonly touches: readonly string[]
}
export interface Deed extends DeedOptions {
  readonly work: () => Promise<unknown>
}
/** Runs deeds; each is told in a toast, and the lists it touches look again. */
export function useDeed(): { readonly run: (deed: Deed) => Promise<boolean>; readonly busy: boolean } {
  const queries = useQueryClient()
  const toasts = useToasts()
  const { mutateAsync, isPending } = useMutation({ mutationFn: ({ work }: Deed) => work() })
  return {
    busy: isPending,
    run: deed =>
      mutateAsync(deed)
        .then(
          () => {
            toasts.done(deed.done)
            return true
          },
          (error: unknown) => {
            toasts.failed(deed.failed, error)
            return false
          },
        )
        .finally(() => {
          for (const key of deed.touches) void queries.invalidateQueries({ queryKey: [key] })
        }),
  }
}

interface AskProps extends Deed {
  readonly title: string
  readonly submit: string
  /** Why not yet; null when it works. */
  readonly because?: string | null
  readonly danger?: boolean
  readonly close: () => void
  readonly children?: ReactNode
}
export function Ask({ title, submit, because = null, danger = false, close, children, ...deed }: AskProps) {
  const { t } = useTranslation()
  const { run, busy } = useDeed()
  const id = useId()
  const go = (event: FormEvent): void => {
    event.preventDefault()
    if (because !== null || busy) return
    void run(deed).then(well => {
      if (well) close()
    })
  }
  return (
    <Modal variant="small" isOpen onClose={close} aria-labelledby={`${id}-title`}>
      <ModalHeader
        title={title}
        labelId={`${id}-title`}
        {...(danger ? { titleIconVariant: 'warning' as const } : {})}
      />
      <ModalBody>
        <Form id={id} onSubmit={go}>
          {children}
          {because !== null && (
            <HelperText aria-live="polite">
              <HelperTextItem variant="warning">{because}</HelperTextItem>
            </HelperText>
          )}
        </Form>
      </ModalBody>
      <ModalFooter>
        <VerdictButton
          type="submit"
          form={id}
          variant={danger ? 'danger' : 'primary'}
          because={busy ? t('launch.why.busy') : because}
          isLoading={busy}
        >
          {submit}
        </VerdictButton>
        <Button variant="link" onClick={close}>
          {t('common.cancel')}
        </Button>
      </ModalFooter>
    </Modal>
  )
}

interface FieldProps {
  readonly label: string
  readonly value: string
  readonly onChange: (value: string) => void
  readonly type?: 'text' | 'number' | 'url'
  readonly optional?: boolean
  readonly placeholder?: string
}
export function TextField({ label, value, onChange, type = 'text', optional = false, placeholder }: FieldProps) {
  const id = useId()
  return (
    <FormGroup label={label} isRequired={!optional} fieldId={id}>
      <TextInput
        id={id}
        type={type}
        value={value}
        autoComplete="off"
        {...(placeholder === undefined ? {} : { placeholder })}
        onChange={(_event, next) => onChange(next)}
      />
    </FormGroup>
  )
}
interface ChoiceProps {
  readonly label: string
  readonly value: string
  readonly onChange: (value: string) => void
  readonly options: readonly (readonly [value: string, label: string])[]
}
export function ChoiceField({ label, value, onChange, options }: ChoiceProps) {
  const id = useId()
  return (
    <FormGroup label={label} fieldId={id}>
      <FormSelect id={id} value={value} onChange={(_event, next) => onChange(next)}>
        {options.map(([option, words]) => (
          <FormSelectOption key={option} value={option} label={words} />
        ))}
      </FormSelect>
    </FormGroup>
  )
}

/** Which question is open; a page has one at a time. */
export function useQuestion(): readonly [ReactNode, (ask: (close: () => void) => ReactNode) => void] {
  const [make, setMake] = useState<((close: () => void) => ReactNode) | null>(null)
  return [make?.(() => setMake(null)), ask => setMake(() => ask)]
}
