// Where the console starts: makes what everything else is given, and draws the page.
import '@patternfly/react-core/dist/styles/base.css'
import '#app/ui/koto.css'
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { createRoot } from 'react-dom/client'
import { I18nextProvider } from 'react-i18next'
import { ApiError } from '#app/api/api-error.ts'
import { createClient } from '#app/api/client.ts'
import { createSessionStore } from '#app/api/session.ts'
import { createI18n } from '#app/i18n/i18n.ts'
import { makeRouter } from '#app/routes.tsx'
import { CloudContext } from '#app/ui/cloud.tsx'
import { startTheme } from '#app/ui/theme.ts'
import { ToastsProvider } from '#app/ui/toasts.tsx'

async function start(root: HTMLElement): Promise<void> {
  startTheme()
  const session = createSessionStore(sessionStorage)
  const client = createClient({
    session,
    fetch: (url, init) => fetch(url, init),
    now: () => performance.now(),
  })
  const cloud = { session, client }
  const queries = new QueryClient({
    defaultOptions: {
      queries: {
        // What was refused is refused again; what got no answer may get one.
        retry: (failures, error) =>
          failures < 2 && !(error instanceof ApiError && error.status > 0 && error.status < 500),
        retryDelay: 1000,
      },
    },
  })
  const router = makeRouter(cloud)
  session.subscribe(() => {
    if (session.read() !== null) return
    queries.clear()
    const { pathname, href } = router.state.location
    if (pathname === '/sign-in' || pathname === '/console/vnc') return
    void router.navigate({ to: '/sign-in', search: { to: href, ended: '1' } })
  })
  const i18n = await createI18n(localStorage, navigator.languages)
  createRoot(root).render(
    <I18nextProvider i18n={i18n}>
      <CloudContext value={cloud}>
        <QueryClientProvider client={queries}>
          <ToastsProvider>
            <RouterProvider router={router} />
          </ToastsProvider>
        </QueryClientProvider>
      </CloudContext>
    </I18nextProvider>,
  )
}

const root = document.getElementById('root')
if (root !== null) await start(root)
