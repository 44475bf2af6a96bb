// Every address of the console. Pages are fetched when first visited.
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  redirect,
} from '@tanstack/react-router'
import { tabFrom, type ServerTab } from '#app/pages/server-tabs.ts'
import { Broken, NotFound } from '#app/pages/trouble.tsx'
import type { Cloud } from '#app/ui/cloud.tsx'

interface Context {
  readonly cloud: Cloud
}

const root = createRootRouteWithContext<Context>()({ component: Outlet, notFoundComponent: NotFound })

const signIn = createRoute({
  getParentRoute: () => root,
  path: '/sign-in',
  validateSearch: (search): { to?: string; ended?: '1' } => ({
    ...(typeof search['to'] === 'string' ? { to: search['to'] } : {}),
    ...(search['ended'] === '1' ? { ended: '1' } : {}),
  }),
  component: lazyRouteComponent(() => import('#app/pages/sign-in.tsx')),
})

/** compat: Horizon's own address on a DevStack. */
const dashboard = createRoute({
  getParentRoute: () => root,
  path: '/dashboard',
  beforeLoad: () => {
    throw redirect({ to: '/', replace: true })
  },
})

const consoleWindow = createRoute({
  getParentRoute: () => root,
  path: '/console/vnc',
  validateSearch: (search): { token?: string; path?: string } => ({
    ...(typeof search['token'] === 'string' ? { token: search['token'] } : {}),
    ...(typeof search['path'] === 'string' ? { path: search['path'] } : {}),
  }),
  component: lazyRouteComponent(() => import('#app/pages/console.tsx')),
})

const inside = createRoute({
  getParentRoute: () => root,
  id: 'inside',
  beforeLoad: ({ context, location }) => {
    const session = context.cloud.session.read()
    if (session !== null && session.project !== null) return
    throw redirect({ to: '/sign-in', search: location.href === '/' ? {} : { to: location.href }, replace: true })
  },
  component: lazyRouteComponent(() => import('#app/pages/shell.tsx')),
})

const overview = createRoute({
  getParentRoute: () => inside,
  path: '/',
  component: lazyRouteComponent(() => import('#app/pages/overview.tsx')),
})

const servers = createRoute({
  getParentRoute: () => inside,
  path: '/servers',
  component: lazyRouteComponent(() => import('#app/pages/servers.tsx')),
})

const serverCreate = createRoute({
  getParentRoute: () => inside,
  path: '/servers/create',
  component: lazyRouteComponent(() => import('#app/pages/server-create.tsx')),
})

const server = createRoute({
  getParentRoute: () => inside,
  path: '/servers/$serverId',
  validateSearch: (search): { tab?: ServerTab } => {
    const tab = tabFrom(search['tab'])
    return tab === undefined ? {} : { tab }
  },
  component: lazyRouteComponent(() => import('#app/pages/server.tsx')),
})

const images = createRoute({
  getParentRoute: () => inside,
  path: '/images',
  component: lazyRouteComponent(() => import('#app/pages/images.tsx')),
})

const volumes = createRoute({
  getParentRoute: () => inside,
  path: '/volumes',
  component: lazyRouteComponent(() => import('#app/pages/volumes.tsx')),
})

const networks = createRoute({
  getParentRoute: () => inside,
  path: '/networks',
  component: lazyRouteComponent(() => import('#app/pages/networks.tsx')),
})

const floatingIps = createRoute({
  getParentRoute: () => inside,
  path: '/floating-ips',
  component: lazyRouteComponent(() => import('#app/pages/floating-ips.tsx')),
})

const securityGroups = createRoute({
  getParentRoute: () => inside,
  path: '/security-groups',
  component: lazyRouteComponent(() => import('#app/pages/security-groups.tsx')),
})

const routeTree = root.addChildren([
  signIn,
  dashboard,
  consoleWindow,
  inside.addChildren([overview, servers, serverCreate, server, images, volumes, networks, floatingIps, securityGroups]),
])

/** The router over `cloud`. A query in an address is words only: a token that looks like a number stays a token. */
export function makeRouter(cloud: Cloud) {
  return createRouter({
    routeTree,
    context: { cloud },
    defaultErrorComponent: Broken,
    defaultPreload: 'intent',
    scrollRestoration: true,
    parseSearch: text => Object.fromEntries(new URLSearchParams(text)),
    stringifySearch: search => {
      const words = Object.entries(search).filter(([, value]) => typeof value === 'string') as [string, string][]
      const text = new URLSearchParams(words).toString()
      return text === '' ? '' : `?${text}`
    },
  })
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof makeRouter>
  }
}
