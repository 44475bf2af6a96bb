// The version document.
import { get } from '#kernel/contract/route.ts'
import { may, must, object } from '#kernel/contract/shape.ts'
import { list, text } from '#kernel/contract/shapes.ts'
import { Link } from '#services/placement/contract/shapes.ts'

export const root = {
  show: get('/', {
    policy: 'public',
    reply: object({
      versions: must(
        list(
          object({
            id: must(text()),
            max_version: must(text()),
            min_version: must(text()),
            status: may(text()),
            links: must(list(Link)),
          }),
        ),
      ),
    }),
  }),
}
