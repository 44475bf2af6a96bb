// Every fault of the image API that is thrown by name.
import { faultTable } from '#kernel/contract/fault.ts'

export const faults = faultTable({
  ImageNotFound: [404, 'No image found with ID {id}'],
  MemberNotFound: [404, '{member} not found in the member list of the image {id}.'],
  TagNotFound: [404, 'Could not find tag {tag}.'],
  DuplicateImage: [409, 'Image ID {id} already exists!'],
  DuplicateMember: [409, 'Image member {member} already exists for image {id}'],
  BadRequest: [400, '{reason}'],
  Forbidden: [403, '{reason}'],
  Conflict: [409, '{reason}'],
  InUse: [409, '{reason}'],
  NotFound: [404, '{reason}'],
  ReadOnly: [403, "Attribute '{name}' is read-only."],
  Reserved: [403, "Attribute '{name}' is reserved."],
  Protected: [403, 'Image {id} is protected and cannot be deleted.'],
  StatusTransition: [409, 'Image status transition from {from} to {to} is not allowed'],
  NotUploadable: [400, 'Properties disk_format, container_format must be set prior to saving data.'],
  Refused: [400, 'Image content does not match its declared format or is not safe: {reason}'],
  TooLarge: [413, 'The image is larger than {limit} bytes.'],
  StoreFull: [413, 'The image store has no room left for this image.'],
  Deactivated: [403, 'The requested image has been deactivated. Image data download is forbidden.'],
  MarkerNotFound: [400, 'Marker {marker} could not be found.'],
  NamespaceNotFound: [404, 'Metadata definition namespace={name} was not found.'],
  DuplicateNamespace: [409, 'The metadata definition namespace={name} already exists.'],
  DuplicateItem: [409, '{reason}'],
  ProtectedNamespace: [403, 'Metadata definition namespace {name} is protected and cannot be deleted.'],
  OverLimit: [
    413,
    'Project {project} is over a limit for [Resource {name} is over limit of {limit} due to current usage {usage} and delta {delta}]',
  ],
  OverQuota: [413, 'Quota exceeded: {reason}'],
})
