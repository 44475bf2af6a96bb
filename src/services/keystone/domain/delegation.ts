// What a token that was lent may not do: it must never become more, or outlive what it was lent for.
import { faults } from '#services/keystone/contract/faults.ts'
import type { Token } from '#services/keystone/domain/tokens.ts'

export const isDelegated = (token: Token): boolean =>
  token.trust !== null || token.applicationCredential !== null || token.accessToken !== null

/** Throws ForbiddenAction for a token of a restricted application credential. */
export function refuseRestricted(token: Token, action: string): void {
  if (token.applicationCredential !== null && !token.applicationCredential.unrestricted)
    throw faults.ForbiddenAction({ action })
}
/** Throws Forbidden for a token of a trust: what it would make outlives the trust. */
export function refuseTrust(token: Token): void {
  if (token.trust !== null || token.accessToken !== null) throw faults.Forbidden()
}
/** Throws ForbiddenAction for any token of an application credential, or of a program that was let in. */
export function refuseApplicationCredential(token: Token, action: string): void {
  if (token.applicationCredential !== null || token.accessToken !== null) throw faults.ForbiddenAction({ action })
}
/** A lent token reaches only what belongs to its own project; personal secrets without a project are out of its reach. */
export function refuseOtherProject(token: Token, projectId: string | null, action: string): void {
  if (isDelegated(token) && projectId !== token.who.projectId) throw faults.ForbiddenAction({ action })
}
