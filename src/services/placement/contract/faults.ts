// Every fault Placement answers with, in upstream's words; the codes that clients tell them apart by are in the second table.
import { faultTable } from '#kernel/contract/fault.ts'

export const faults = faultTable({
  // requests as such
  ValidationError: [400, 'JSON does not validate: {detail}'],
  QueryInvalid: [400, 'Invalid query string parameters: {detail}'],
  Malformed: [400, 'Malformed JSON: {detail}'],
  /** A query parameter said wrong; `detail` is the whole sentence. */
  BadParameter: [400, '{detail}'],
  BadParameterValue: [400, '{detail}'],
  MissingParameter: [400, '{detail}'],
  RepeatedParameter: [400, "Query parameter '{name}' may be specified only once."],
  ContentTypeNeeded: [400, 'content-type header required when content-length > 0'],
  BadVersion: [400, 'invalid version string: {version}'],
  Forbidden: [403, 'Policy does not allow {rule} to be performed.'],
  NotFound: [404, ''],
  MethodNotAllowed: [405, 'The method specified is not allowed for this resource.'],
  NotAcceptable: [406, 'Only application/json is provided'],
  UnacceptableVersion: [406, 'Unacceptable version header: {version}'],
  TooLarge: [413, ''],
  UnsupportedMediaType: [415, 'The media type {type} is not supported, use application/json'],
  Internal: [500, 'The log has more under {requestId}.'],
  NotBuilt: [501, ''],
  Unavailable: [503, '{detail}'],

  // resource providers
  ProviderNotFound: [404, 'No resource provider with uuid {id} found'],
  ProviderNotFoundForDelete: [404, 'No resource provider with uuid {id} found for delete'],
  ProviderExists: [409, 'Conflicting resource provider {duplicate} already exists.'],
  CannotCreateProvider: [400, 'Unable to create resource provider "{name}", {id}: {reason}'],
  CannotSaveProvider: [400, 'Unable to save resource provider {id}: {reason}'],
  ProviderInUse: [409, 'Unable to delete resource provider {id}: Resource provider has allocations.'],
  ProviderHasChildren: [409, 'Unable to delete parent resource provider {id}: It has child resource providers.'],
  /** A generation that the client named is not the one in force. */
  GenerationConflict: [409, 'resource provider generation conflict'],
  GenerationChanged: [
    409,
    "Resource provider's generation already changed. Please update the generation and try again.",
  ],
  ReshapeGenerationConflict: [
    409,
    'resource provider generation conflict for provider {id}: actual: {actual}, given: {given}',
  ],
  /** Somebody else was quicker between our reading and our writing. */
  ConcurrentUpdate: [
    409,
    'update conflict: Another thread concurrently updated the resource provider data. Please retry your update',
  ],

  // inventories
  InventoryNotFound: [404, 'No inventory of class {resourceClass} for {id}'],
  InventoryNotFoundForDelete: [404, 'No inventory of class {resourceClass} found for delete'],
  InventoryExists: [409, 'Update conflict: There is inventory of class {resourceClass} already'],
  CannotCreateInventory: [400, 'Unable to create inventory for resource provider {id}: {reason}'],
  CannotUpdateInventory: [400, 'Unable to update inventory for resource provider {id}: {reason}'],
  NoInventoryRecord: [
    400,
    'No inventory record with resource class for resource provider {id}: No inventory of class {resourceClass} found.',
  ],
  UnknownClassInInventory: [
    400,
    'Unknown resource class in inventory for resource provider {id}: No such resource class {resourceClass}.',
  ],
  InventoryInUse: [409, "{prefix}Inventory for '{classes}' on resource provider '{id}' in use."],
  InventoryItselfInUse: [
    409,
    "Unable to delete inventory of class {classes}: Inventory for '{classes}' on resource provider '{id}' in use.",
  ],

  // allocations
  MalformedConsumer: [400, 'Malformed consumer_uuid: {id}'],
  AllocationProviderNotFound: [400, "Allocation for resource provider '{id}' that does not exist."],
  CannotAllocate: [400, 'Unable to allocate inventory {detail}'],
  CannotAllocateFor: [400, 'Unable to allocate inventory for consumer {id}: {detail}'],
  NothingToAllocate: [
    409,
    "Unable to allocate inventory: Inventory for '{classes}' on resource provider '{id}' invalid.",
  ],
  CapacityExceeded: [
    409,
    "Unable to allocate inventory: Unable to create allocation for '{resourceClass}' on resource provider '{id}'. The requested amount would exceed the capacity.",
  ],
  ConstraintsViolated: [
    409,
    "Unable to allocate inventory: Unable to create allocation for '{resourceClass}' on resource provider '{id}'. The requested amount would violate inventory constraints.",
  ],
  ConsumerConflict: [409, 'consumer generation conflict - expected {expected} but got {got}'],
  AllocationConflict: [
    409,
    'Inventory and/or allocations changed while attempting to allocate: Another thread concurrently updated the data. Please retry your update',
  ],
  NoAllocations: [404, "No allocations for consumer '{id}'"],

  // resource classes and traits
  ResourceClassNotFound: [404, 'No such resource class {name}.'],
  ResourceClassExists: [409, 'Conflicting resource class already exists: {name}'],
  ResourceClassNameTaken: [409, 'Resource class already exists: {name}'],
  StandardClassKept: [400, 'Error in delete resource class: Cannot delete standard resource class {name}.'],
  StandardClassUnchanged: [400, 'Cannot update standard resource class {name}'],
  ResourceClassInUse: [
    409,
    'Error in delete resource class: Cannot delete resource class {name}. Class is in use in inventory.',
  ],
  UnknownClassInQuery: [400, 'Invalid resource class in resources parameter: No such resource class {name}.'],
  TraitNotFound: [404, 'No such trait(s): {names}.'],
  UnknownTraitInQuery: [400, '{prefix}No such trait(s): {names}.'],
  UnknownTrait: [400, 'No such trait {names}'],
  BadTrait: [
    400,
    'The trait is invalid. A valid trait must be no longer than 255 characters, start with the prefix "CUSTOM_" and use following characters: "A"-"Z", "0"-"9" and "_"',
  ],
  StandardTraitKept: [400, 'Cannot delete standard trait {name}.'],
  TraitInUse: [409, 'The trait {name} is in use by a resource provider.'],

  // reshaper
  ReshapeProviderNotFound: [
    400,
    'Resource provider {id} in inventories not found: No resource provider with uuid {id} found',
  ],
  CannotReshape: [400, 'malformed reshaper data: {detail}'],
})

const CONCURRENT = 'placement.concurrent_update'
const BAD_VALUE = 'placement.query.bad_value'

/** The `code` of an error since 1.23, by the fault's name; all others have `placement.undefined_code`. */
export const errorCodes: Readonly<Record<string, string>> = {
  GenerationConflict: CONCURRENT,
  GenerationChanged: CONCURRENT,
  ReshapeGenerationConflict: CONCURRENT,
  ConcurrentUpdate: CONCURRENT,
  InventoryExists: CONCURRENT,
  InventoryItselfInUse: CONCURRENT,
  ConsumerConflict: CONCURRENT,
  AllocationConflict: CONCURRENT,
  ProviderExists: 'placement.duplicate_name',
  ProviderInUse: 'placement.resource_provider.inuse',
  ProviderHasChildren: 'placement.resource_provider.cannot_delete_parent',
  ReshapeProviderNotFound: 'placement.resource_provider.not_found',
  InventoryInUse: 'placement.inventory.inuse',
  RepeatedParameter: 'placement.query.duplicate_key',
  BadParameterValue: BAD_VALUE,
  MissingParameter: 'placement.query.missing_value',
}
