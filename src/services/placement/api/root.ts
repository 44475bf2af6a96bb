// The version document: open to everybody.
import { versionText } from '#kernel/contract/version.ts'
import { handlers } from '#kernel/http/handlers.ts'
import type { Clock } from '#kernel/lib/clock.ts'
import { root } from '#services/placement/contract/root.ts'
import { versions } from '#services/placement/contract/versions.ts'
import { dated } from '#services/placement/api/headers.ts'

export const rootHandlers = (clock: Clock) =>
  handlers(root, {
    show: call => {
      dated(call, clock)
      const min = versionText(versions.min)
      return {
        versions: [
          {
            id: `v${min}`,
            max_version: versionText(versions.max),
            min_version: min,
            status: 'CURRENT',
            // compat: empty means "where you are", so that the service need not know its own address.
            links: [{ rel: 'self', href: '' }],
          },
        ],
      }
    },
  })
