// Tokens for signed requests of Amazon's APIs, over HTTP.
import { answer, handlers, type Call, type HandlerTable } from '#kernel/http/handlers.ts'
import { faults } from '#services/keystone/contract/faults.ts'
import { ec2Tokens } from '#services/keystone/contract/ec2-tokens.ts'
import type { Ec2Tokens } from '#services/keystone/domain/ec2-tokens.ts'
import type { Token } from '#services/keystone/domain/tokens.ts'

type Bag = Readonly<Record<string, unknown>>

/** `bodyOf`: a token as JSON, with its catalog. */
export function ec2TokenHandlers(
  verbs: Ec2Tokens,
  bodyOf: (call: Call, token: Token) => Promise<string>,
): HandlerTable {
  const signedIn = (body: { credentials?: Bag; credential?: Bag; ec2Credentials?: Bag }): Bag => {
    if (Object.keys(body).length === 0) throw faults.ValidationError({ detail: 'request must include a request body' })
    return body.credentials ?? body.credential ?? body.ec2Credentials ?? {}
  }
  const type = { 'content-type': 'application/json', vary: 'X-Auth-Token' }
  return handlers(ec2Tokens, {
    ec2: async call => {
      const token = await verbs.ec2(call.ctx, signedIn(call.body))
      return answer(200, { ...type, 'x-subject-token': token.text }, await bodyOf(call, token))
    },
    // Who asks about S3 gets to know who it is, and no token to go about with.
    s3: async call => answer(200, type, await bodyOf(call, await verbs.s3(call.ctx, signedIn(call.body)))),
  })
}
