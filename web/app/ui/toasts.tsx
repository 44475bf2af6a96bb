// Short news above the page: what an action led to, or why it did not happen.
import { Alert, AlertActionCloseButton, AlertGroup } from '@patternfly/react-core'
import { createContext, use, useCallback, useMemo, useState, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { ApiError } from '#app/api/api-error.ts'

interface Toast {
  readonly id: number
  readonly kind: 'success' | 'danger'
  readonly title: string
  readonly text: string | null
}

export interface Toasts {
  done(title: string): void
  failed(title: string, error: unknown): void
}

const ToastsContext = createContext<Toasts | null>(null)

export function useToasts(): Toasts {
  const toasts = use(ToastsContext)
  if (toasts === null) throw new Error('There are no toasts around this component.')
  return toasts
}

export function ToastsProvider({ children }: { readonly children: ReactNode }) {
  const { t } = useTranslation()
  const [shown, setShown] = useState<readonly Toast[]>([])
  const add = useCallback(
    (toast: Omit<Toast, 'id'>) => setShown(old => [...old, { ...toast, id: (old.at(-1)?.id ?? 0) + 1 }].slice(-5)),
    [],
  )
  const drop = (id: number): void => setShown(old => old.filter(toast => toast.id !== id))
  const toasts = useMemo<Toasts>(
    () => ({
      done: title => add({ kind: 'success', title, text: null }),
      failed: (title, error) => {
        const id = error instanceof ApiError ? error.requestId : null
        const words = error instanceof Error ? error.message : String(error)
        add({ kind: 'danger', title, text: id === null ? words : `${words} (${t('common.requestId', { id })})` })
      },
    }),
    [add, t],
  )
  return (
    <ToastsContext value={toasts}>
      {children}
      <AlertGroup isToast isLiveRegion>
        {shown.map(toast => (
          <Alert
            key={toast.id}
            variant={toast.kind}
            title={toast.title}
            timeout={toast.kind === 'success' ? 4000 : 20_000}
            onTimeout={() => drop(toast.id)}
            actionClose={<AlertActionCloseButton aria-label={t('common.close')} onClose={() => drop(toast.id)} />}
          >
            {toast.text}
          </Alert>
        ))}
      </AlertGroup>
    </ToastsContext>
  )
}
