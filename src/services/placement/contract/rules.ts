// The auditor's page: every rule of Placement's default policy with its check string, facts of upstream's policy modules. Rules of
// operations that are not built yet stand here too, so that an operator's policy file is understood whole.
import { ruleTable } from '#kernel/contract/rule.ts'

/** Named checks that rules refer to. */
export const baseRules: Readonly<Record<string, string>> = {
  admin_api: 'role:admin',
  service_api: 'role:service',
  admin_or_service_api: 'role:admin or role:service',
  project_reader_api: 'role:reader and project_id:%(project_id)s',
  admin_or_project_reader_or_service_api: 'role:admin or rule:project_reader_api or role:service',
}

export const rules = ruleTable(['project'], {
  resourceProvidersAggregatesList: [
    'placement:resource_providers:aggregates:list',
    'rule:admin_or_service_api',
    'Resource providers: aggregates, list',
  ],
  resourceProvidersAggregatesUpdate: [
    'placement:resource_providers:aggregates:update',
    'rule:admin_or_service_api',
    'Resource providers: aggregates, update',
  ],
  allocationsManage: ['placement:allocations:manage', 'rule:admin_or_service_api', 'Allocations: manage'],
  allocationsList: ['placement:allocations:list', 'rule:admin_or_service_api', 'Allocations: list'],
  allocationsUpdate: ['placement:allocations:update', 'rule:admin_or_service_api', 'Allocations: update'],
  allocationsDelete: ['placement:allocations:delete', 'rule:admin_or_service_api', 'Allocations: delete'],
  resourceProvidersAllocationsList: [
    'placement:resource_providers:allocations:list',
    'rule:admin_or_service_api',
    'Resource providers: allocations, list',
  ],
  allocationCandidatesList: [
    'placement:allocation_candidates:list',
    'rule:admin_or_service_api',
    'Allocation candidates: list',
  ],
  resourceProvidersInventoriesList: [
    'placement:resource_providers:inventories:list',
    'rule:admin_or_service_api',
    'Resource providers: inventories, list',
  ],
  resourceProvidersInventoriesCreate: [
    'placement:resource_providers:inventories:create',
    'rule:admin_or_service_api',
    'Resource providers: inventories, create',
  ],
  resourceProvidersInventoriesShow: [
    'placement:resource_providers:inventories:show',
    'rule:admin_or_service_api',
    'Resource providers: inventories, show',
  ],
  resourceProvidersInventoriesUpdate: [
    'placement:resource_providers:inventories:update',
    'rule:admin_or_service_api',
    'Resource providers: inventories, update',
  ],
  resourceProvidersInventoriesDelete: [
    'placement:resource_providers:inventories:delete',
    'rule:admin_or_service_api',
    'Resource providers: inventories, delete',
  ],
  reshaperReshape: ['placement:reshaper:reshape', 'rule:service_api', 'Reshaper: reshape'],
  resourceClassesList: ['placement:resource_classes:list', 'rule:admin_or_service_api', 'Resource classes: list'],
  resourceClassesCreate: ['placement:resource_classes:create', 'rule:admin_or_service_api', 'Resource classes: create'],
  resourceClassesShow: ['placement:resource_classes:show', 'rule:admin_or_service_api', 'Resource classes: show'],
  resourceClassesUpdate: ['placement:resource_classes:update', 'rule:admin_or_service_api', 'Resource classes: update'],
  resourceClassesDelete: ['placement:resource_classes:delete', 'rule:admin_or_service_api', 'Resource classes: delete'],
  resourceProvidersList: ['placement:resource_providers:list', 'rule:admin_or_service_api', 'Resource providers: list'],
  resourceProvidersCreate: [
    'placement:resource_providers:create',
    'rule:admin_or_service_api',
    'Resource providers: create',
  ],
  resourceProvidersShow: ['placement:resource_providers:show', 'rule:admin_or_service_api', 'Resource providers: show'],
  resourceProvidersUpdate: [
    'placement:resource_providers:update',
    'rule:admin_or_service_api',
    'Resource providers: update',
  ],
  resourceProvidersDelete: [
    'placement:resource_providers:delete',
    'rule:admin_or_service_api',
    'Resource providers: delete',
  ],
  traitsList: ['placement:traits:list', 'rule:admin_or_service_api', 'Traits: list'],
  traitsShow: ['placement:traits:show', 'rule:admin_or_service_api', 'Traits: show'],
  traitsUpdate: ['placement:traits:update', 'rule:admin_or_service_api', 'Traits: update'],
  traitsDelete: ['placement:traits:delete', 'rule:admin_or_service_api', 'Traits: delete'],
  resourceProvidersTraitsList: [
    'placement:resource_providers:traits:list',
    'rule:admin_or_service_api',
    'Resource providers: traits, list',
  ],
  resourceProvidersTraitsUpdate: [
    'placement:resource_providers:traits:update',
    'rule:admin_or_service_api',
    'Resource providers: traits, update',
  ],
  resourceProvidersTraitsDelete: [
    'placement:resource_providers:traits:delete',
    'rule:admin_or_service_api',
    'Resource providers: traits, delete',
  ],
  resourceProvidersUsages: [
    'placement:resource_providers:usages',
    'rule:admin_or_service_api',
    'Resource providers: usages',
  ],
  usages: ['placement:usages', 'rule:admin_or_project_reader_or_service_api', 'Usages'],
})
