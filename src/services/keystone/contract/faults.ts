// Everything identity answers when it does not do what was asked, in upstream's words.
import { faultTable } from '#kernel/contract/fault.ts'

export const faults = faultTable({
  Expecting: [
    400,
    'Expecting to find {attribute} in {target}. The server could not comply with the request since it is either malformed or otherwise incorrect. The client is assumed to be in error.',
  ],
  ValidationError: [400, '{detail}'],
  InvalidUrl: [400, 'Cannot create an endpoint with an invalid URL: {url}.'],
  PasswordRequirements: [400, 'The password does not match the requirements: {detail}.'],
  PasswordHistory: [
    400,
    'The new password cannot be identical to a previous password. The total number which includes the new password must be unique is {count}.',
  ],
  PasswordAge: [
    400,
    'You cannot change your password at this time due to the minimum password age. Once you change your password, it must be used for {minAgeDays} day(s) before it can be changed. Please try again in {daysLeft} day(s) or contact your administrator to reset your password.',
  ],
  PasswordSelfServiceDisabled: [
    400,
    'You cannot change your password at this time due to password policy disallowing password changes. Please contact your administrator to reset your password.',
  ],
  BadTimestamp: [
    400,
    'Timestamp not in expected format. The server could not comply with the request since it is either malformed or otherwise incorrect. The client is assumed to be in error.',
  ],
  ExpirationPassed: [
    400,
    "The 'expires_at' must not be before now. The server could not comply with the request since it is either malformed or otherwise incorrect. The client is assumed to be in error.",
  ],
  InvalidOperator: [
    400,
    "The given operator {operator} is not valid. It must be one of the following: 'eq', 'neq', 'lt', 'lte', 'gt', or 'gte'.",
  ],
  ApplicationCredentialInvalid: [400, 'Invalid application credential: {detail}'],
  CircularRegion: [400, 'The specified parent region {id} would create a circular region hierarchy.'],
  Unauthorized: [401, 'The request you have made requires authentication.'],
  UnsupportedMethod: [401, 'Attempted to authenticate with an unsupported method.'],
  ApplicationCredentialScope: [
    401,
    'Error authenticating with application credential: Application credentials cannot request a scope.',
  ],
  PasswordExpired: [401, 'The password is expired and needs to be changed for user: {id}.'],
  Forbidden: [403, 'You are not authorized to perform the requested action.'],
  ForbiddenAction: [403, 'You are not authorized to perform the requested action: {action}.'],
  /** A refusal that is not about rights: its reason is told. */
  Denied: [403, '{reason}'],
  PasswordTooLong: [
    403,
    'The password length must be less than or equal to {size}. The server could not comply with the request because the password is invalid.',
  ],
  RegionInUse: [403, 'Unable to delete region {id} because it or its child regions have associated endpoints.'],
  ApplicationCredentialLimit: [
    403,
    'Unable to create additional application credentials, maximum of {limit} already exceeded for user.',
  ],
  CredentialLimit: [403, 'Unable to create additional credentials, maximum of {limit} already exceeded for user.'],
  InvalidImpliedRole: [403, '{id} cannot be an implied roles.'],
  RoleDomainMismatch: [403, 'Project {projectId} must be in the same domain as the role {roleId} being assigned.'],
  InvalidLimit: [403, 'Invalid resource limit: {reason}.'],
  NoLimitReference: [403, 'Unable to create a limit that has no corresponding registered limit.'],
  RegisteredLimitInUse: [
    403,
    'Unable to update or delete registered limit {id} because there are project limits associated with it.',
  ],
  ImmutableUpdate: [
    403,
    'Unable to update immutable {type} resource: `{id}. Set resource option "immutable" to false first.',
  ],
  ImmutableDelete: [
    403,
    'Unable to delete immutable {type} resource: `{id}. Set resource option "immutable" to false first.',
  ],
  TrustUsedUp: [403, 'No remaining uses for trust: {id}.'],
  MarkerNotFound: [404, 'Marker {id} could not be found.'],
  TokenNotFound: [404, 'Failed to validate token'],
  NoToken: [404, 'No token in the request'],
  UserNotFound: [404, 'Could not find user: {id}.'],
  GroupNotFound: [404, 'Could not find group: {id}.'],
  MembershipNotFound: [404, "User '{userId}' not found in group '{groupId}'"],
  ProjectNotFound: [404, 'Could not find project: {id}.'],
  ProjectTagNotFound: [404, 'Could not find project tag: {id}.'],
  DomainNotFound: [404, 'Could not find domain: {id}.'],
  RoleNotFound: [404, 'Could not find role: {id}.'],
  ImpliedRoleNotFound: [404, '{priorId} does not imply {impliedId}.'],
  RoleAssignmentNotFound: [
    404,
    'Could not find role assignment with role: {roleId}, user or group: {actorId}, project, domain, or system: {targetId}.',
  ],
  RegionNotFound: [404, 'Could not find region: {id}.'],
  ServiceNotFound: [404, 'Could not find service: {id}.'],
  EndpointNotFound: [404, 'Could not find endpoint: {id}.'],
  PolicyNotFound: [404, 'Could not find policy: {id}.'],
  CredentialNotFound: [404, 'Could not find credential: {id}.'],
  ApplicationCredentialNotFound: [404, 'Could not find Application Credential: {id}.'],
  AccessRuleNotFound: [404, 'Could not find Access Rule: {id}.'],
  TrustNotFound: [404, 'Could not find trust: {id}.'],
  RegisteredLimitNotFound: [404, 'Could not find registered limit for {id}.'],
  LimitNotFound: [404, 'Could not find limit for {id}.'],
  NotFound: [404, 'Could not find: {target}.'],
  Conflict: [409, 'Conflict occurred attempting to store {type} - {details}.'],
  Gone: [410, 'The service you have requested is no longer available on this server.'],
})
