// User, password, domain.
import {
  Alert,
  Button,
  Form,
  FormGroup,
  FormHelperText,
  HelperText,
  HelperTextItem,
  TextInput,
} from '@patternfly/react-core'
import { useMutation } from '@tanstack/react-query'
import { useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { ApiError } from '#app/api/api-error.ts'
import { listProjects, signIn } from '#app/api/identity.ts'
import type { Project, Session } from '#app/api/session.ts'
import { useClient } from '#app/ui/cloud.tsx'

interface Props {
  /** Signed in, no project entered yet. */
  readonly onSignedIn: (session: Session, projects: readonly Project[]) => Promise<void>
}

export function SignInForm({ onSignedIn }: Props) {
  const { t } = useTranslation()
  const client = useClient()
  const [user, setUser] = useState('')
  const [password, setPassword] = useState('')
  const [domain, setDomain] = useState('Default')
  const [missing, setMissing] = useState(false)
  const send = useMutation({
    mutationFn: async () => {
      const session = await signIn(client, { user: user.trim(), password, domain: domain.trim() || 'Default' })
      await onSignedIn(session, await listProjects(client, session.token))
    },
  })
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    const lacks = user.trim() === '' || password === ''
    setMissing(lacks)
    if (!lacks) send.mutate()
  }
  return (
    <Form onSubmit={submit}>
      {missing && <Alert isInline isPlain variant="warning" title={t('signIn.missing')} />}
      {send.error !== null && <SignInFailure error={send.error} />}
      <FormGroup label={t('signIn.user')} isRequired fieldId="user">
        <TextInput
          id="user"
          name="username"
          autoComplete="username"
          autoCapitalize="none"
          autoFocus
          value={user}
          onChange={(_event, value) => setUser(value)}
        />
      </FormGroup>
      <FormGroup label={t('signIn.password')} isRequired fieldId="password">
        <TextInput
          id="password"
          name="password"
          type="password"
          autoComplete="current-password"
          value={password}
          onChange={(_event, value) => setPassword(value)}
        />
        <FormHelperText>
          <HelperText>
            <HelperTextItem>{t('signIn.hint')}</HelperTextItem>
          </HelperText>
        </FormHelperText>
      </FormGroup>
      <FormGroup label={t('signIn.domain')} fieldId="domain">
        <TextInput id="domain" autoCapitalize="none" value={domain} onChange={(_event, value) => setDomain(value)} />
      </FormGroup>
      <Button type="submit" isBlock isLoading={send.isPending} isDisabled={send.isPending}>
        {t('signIn.submit')}
      </Button>
    </Form>
  )
}

export function SignInFailure({ error }: { readonly error: Error }) {
  const { t } = useTranslation()
  const status = error instanceof ApiError ? error.status : null
  const title = status === 401 ? t('signIn.wrong') : status === 0 ? t('signIn.unreachable') : error.message
  return <Alert isInline variant="danger" title={title} />
}
