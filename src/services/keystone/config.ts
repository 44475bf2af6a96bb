// The identity service's options.
import { defineConfig } from '#kernel/config/config.ts'

export const keystoneConfig = defineConfig('keystone', {
  tokenExpirySeconds: {
    type: 'seconds',
    default: 3600,
    min: 60,
    max: 31_536_000,
    sentence: 'How long a token is valid, in seconds.',
  },
  allowExpiredWindowSeconds: {
    type: 'seconds',
    default: 172_800,
    min: 0,
    sentence: 'How long after its end a token is still shown to a service that asks with allow_expired, in seconds.',
  },
  allowRescopeScopedToken: {
    type: 'bool',
    default: true,
    sentence: 'Whether a scoped token may be exchanged for one of another scope.',
  },
  fernetMaxActiveKeys: { type: 'int', default: 5, min: 3, max: 1000, sentence: 'How many token keys are kept in all.' },
  fernetRotationSeconds: {
    type: 'seconds',
    default: 86_400,
    min: 0,
    sentence: 'How often a new token key comes into use, in seconds; 0 means never by itself.',
  },
  lockoutFailureAttempts: {
    type: 'int',
    default: 0,
    min: 0,
    sentence: 'Failed log-ins after which a user is locked; 0 means never.',
  },
  lockoutDurationSeconds: {
    type: 'seconds',
    default: 1800,
    min: 0,
    sentence: 'How long a user stays locked, in seconds; 0 means until an administrator changes his password.',
  },
  passwordRegex: {
    type: 'text',
    default: '',
    sentence: 'A regular expression that passwords must match from their beginning.',
  },
  passwordRegexDescription: { type: 'text', default: '', sentence: 'What is said when a password does not match it.' },
  passwordExpiresDays: { type: 'int', default: 0, min: 0, sentence: 'Days a password is valid; 0 means for ever.' },
  minimumPasswordAgeDays: {
    type: 'int',
    default: 0,
    min: 0,
    sentence: 'Days before a user may change his password again.',
  },
  uniqueLastPasswordCount: {
    type: 'int',
    default: 0,
    min: 0,
    sentence: 'How many of the newest passwords, the new one included, must differ.',
  },
  changePasswordUponFirstUse: {
    type: 'bool',
    default: false,
    sentence: 'Whether a password set by an administrator must be changed before it is of use.',
  },
  disableUserAfterInactiveDays: {
    type: 'int',
    default: 0,
    min: 0,
    sentence: 'Days without a log-in after which a user counts as disabled; 0 means never.',
  },
  maxPasswordLength: { type: 'int', default: 4096, min: 8, max: 4096, sentence: 'Longest password accepted.' },
  maxProjectTreeDepth: {
    type: 'int',
    default: 5,
    min: 1,
    max: 32,
    sentence: 'How deep projects may be nested, the domain included.',
  },
  applicationCredentialLimit: {
    type: 'int',
    default: -1,
    min: -1,
    sentence: 'Application credentials a user may have; -1 means any number.',
  },
  credentialLimit: { type: 'int', default: -1, min: -1, sentence: 'Credentials a user may have; -1 means any number.' },
  listLimit: { type: 'int', default: 0, min: 0, sentence: 'Most items in one list; 0 means no limit.' },
  maxPageSize: {
    type: 'int',
    default: 1000,
    min: 1,
    sentence: 'Most items of a page that a client asks for by limit.',
  },
})
