// The front door: sign in, then choose a project, then on to where one wanted to go.
import '#app/ui/front.css'
import { Alert, Button, Card, CardBody, CardTitle } from '@patternfly/react-core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { getRouteApi, useRouter } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { enterProject, revoke } from '#app/api/identity.ts'
import { projectsQuery } from '#app/api/queries.ts'
import { safePath } from '#app/api/safe-path.ts'
import type { Project, Session } from '#app/api/session.ts'
import { SignInFailure, SignInForm } from '#app/forms/sign-in.tsx'
import { usePageTitle } from '#app/pages/page-head.tsx'
import { Mark } from '#app/ui/brand.tsx'
import { useCloud, useSession } from '#app/ui/cloud.tsx'
import { LookChoice } from '#app/ui/look-choice.tsx'

const route = getRouteApi('/sign-in')

export default function SignIn() {
  const { t } = useTranslation()
  usePageTitle(t('signIn.title'))
  const session = useSession()
  const choosing = session !== null && session.project === null
  return (
    <main className="koto-front">
      <header className="koto-front-head">
        <Mark size={56} />
        <p className="koto-front-name">
          {t('brand.name')} <span>{t('brand.product')}</span>
        </p>
        <p className="koto-subtle">{t('brand.tagline')}</p>
      </header>
      <Card className="koto-front-card">
        <CardTitle component="h1">{choosing ? t('signIn.chooseTitle') : t('signIn.title')}</CardTitle>
        <CardBody>{choosing ? <ChooseProject session={session} /> : <WhoAreYou />}</CardBody>
      </Card>
      <LookChoice />
    </main>
  )
}

function WhoAreYou() {
  const { t } = useTranslation()
  const { session: store } = useCloud()
  const { ended } = route.useSearch()
  const enter = useEnter()
  const onSignedIn = async (session: Session, projects: readonly Project[]): Promise<void> => {
    const only = projects.length === 1 ? projects[0] : undefined
    if (only === undefined) store.write(session)
    else await enter(session, only.id)
  }
  return (
    <>
      {ended === '1' && <Alert isInline isPlain variant="info" title={t('signIn.ended')} className="koto-gap-below" />}
      <SignInForm onSignedIn={onSignedIn} />
    </>
  )
}

function ChooseProject({ session }: { readonly session: Session }) {
  const { t } = useTranslation()
  const { client, session: store } = useCloud()
  const projects = useQuery(projectsQuery(client, session.unscoped))
  const enter = useEnter()
  const choose = useMutation({ mutationFn: (id: string) => enter(session, id) })
  const leave = (): void => {
    store.write(null)
    void revoke(client, session)
  }
  const failure = choose.error ?? projects.error
  return (
    <>
      <p className="koto-gap-below">{t('signIn.chooseText', { user: session.user.name })}</p>
      {failure !== null && <SignInFailure error={failure} />}
      {projects.data?.length === 0 && <Alert isInline variant="warning" title={t('signIn.noProject')} />}
      <ul className="koto-plain-list koto-choice">
        {projects.data?.map((project, index) => (
          <li key={project.id}>
            <Button
              variant="secondary"
              isBlock
              autoFocus={index === 0}
              isLoading={choose.isPending && choose.variables === project.id}
              isDisabled={choose.isPending}
              onClick={() => choose.mutate(project.id)}
            >
              {project.name}
            </Button>
          </li>
        ))}
      </ul>
      <Button variant="link" isInline onClick={leave}>
        {t('signIn.other')}
      </Button>
    </>
  )
}

/** Enters a project and goes on to where the person came from. */
function useEnter(): (session: Session, projectId: string) => Promise<void> {
  const { client, session: store } = useCloud()
  const { to } = route.useSearch()
  const router = useRouter()
  return async (session, projectId) => {
    store.write(await enterProject(client, session, projectId))
    router.history.push(safePath(to, location.origin))
  }
}
