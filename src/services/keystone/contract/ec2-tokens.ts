// Tokens for signed requests of Amazon's APIs: a service shows what it was sent, and learns who signed it.
import { post } from '#kernel/contract/route.ts'
import { object, may } from '#kernel/contract/shape.ts'
import { raw } from '#kernel/contract/shapes.ts'
import { faults } from '#services/keystone/contract/faults.ts'
import { rules } from '#services/keystone/contract/rules.ts'
import { open } from '#services/keystone/contract/shapes.ts'

const Bag = raw<Record<string, unknown>>({ type: 'object', maxProperties: 200 })
/** Three names for the same thing, as clients of three times say it. */
const body = object({ credentials: may(Bag), credential: may(Bag), ec2Credentials: may(Bag) }, open)
const refusals = [faults.Unauthorized, faults.Unproved, faults.Ec2KeyNotFound]

export const ec2Tokens = {
  ec2: post('/v3/ec2tokens', { policy: rules.ec2tokensValidate, status: 200, body, faults: refusals }),
  s3: post('/v3/s3tokens', { policy: rules.s3tokensValidate, status: 200, body, faults: refusals }),
}
