// Whether a user may log in just now: enabled, in use, not locked, his password not over. Pure.
import type { UserEntity } from '#services/keystone/db/users.ts'
import type { KeystoneSettings } from '#services/keystone/domain/tools.ts'

const DAY_MS = 86_400_000

/** Disabled by hand, or by long disuse where that is configured and he is not exempt. */
export function isUserEnabled(user: UserEntity, settings: KeystoneSettings, now: number): boolean {
  if (!user.enabled) return false
  const days = settings.disableUserAfterInactiveDays
  if (days === 0 || user.options['ignore_user_inactivity'] === true) return true
  const since = user.lastActiveOn === null ? user.createdAt : Date.parse(user.lastActiveOn)
  return now - since < days * DAY_MS
}

/** Too many failed log-ins, not long enough ago. */
export function isLocked(user: UserEntity, settings: KeystoneSettings, now: number): boolean {
  const most = settings.lockoutFailureAttempts
  if (most === 0 || user.options['ignore_lockout_failure_attempts'] === true || user.failedCount < most) return false
  const forMs = settings.lockoutDurationSeconds * 1000
  return forMs === 0 || (user.failedAt ?? 0) + forMs > now
}

export const isPasswordExpired = (user: UserEntity, now: number): boolean =>
  user.passwordExpiresAt !== null && user.passwordExpiresAt <= now

/** When a password set now ends; null: never. */
export const passwordExpiry = (
  user: Pick<UserEntity, 'options'>,
  settings: KeystoneSettings,
  now: number,
): number | null =>
  settings.passwordExpiresDays === 0 || user.options['ignore_password_expiry'] === true
    ? null
    : now + settings.passwordExpiresDays * DAY_MS
