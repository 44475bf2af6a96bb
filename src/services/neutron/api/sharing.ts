// RBAC policies, address scopes and address groups: handlers and presenters.
import { handlers, type HandlerTable } from '#kernel/http/handlers.ts'
import { presenter } from '#kernel/http/presenter.ts'
import { addressGroup, addressGroups } from '#services/neutron/contract/address-groups.ts'
import { addressScope, addressScopes } from '#services/neutron/contract/address-scopes.ts'
import { rbacPolicies, rbacPolicy } from '#services/neutron/contract/rbac-policies.ts'
import { noun, ownerView, storyView } from '#services/neutron/api/noun.ts'
import type { AddressGroup, AddressScope } from '#services/neutron/db/address-sets.ts'
import type { RbacPolicy } from '#services/neutron/db/sharing.ts'
import type { AddressGroups } from '#services/neutron/domain/address-groups.ts'
import type { AddressScopes } from '#services/neutron/domain/address-scopes.ts'
import type { RbacPolicies } from '#services/neutron/domain/rbac-policies.ts'

export const rbacPolicyHandlers = (domain: RbacPolicies): HandlerTable => {
  const present = presenter<RbacPolicy>()(rbacPolicy.view, {
    id: p => p.id,
    project_id: p => p.projectId,
    tenant_id: p => p.projectId,
    object_type: p => p.objectType,
    object_id: p => p.objectId,
    target_tenant: p => p.targetProject,
    target_project: () => undefined,
    action: p => p.action,
  })
  const it = noun<RbacPolicy>({ of: rbacPolicy, present })
  return handlers(rbacPolicies, {
    list: call => it.list(call, domain.list),
    show: call => it.show(call, domain.show),
    create: call => it.create(call, domain.create),
    update: call => it.update(call, domain.update),
    remove: call => it.remove(call, domain.remove),
  })
}

export const addressScopeHandlers = (domain: AddressScopes): HandlerTable => {
  const present = presenter<AddressScope>()(addressScope.view, {
    ...ownerView,
    name: s => s.name,
    shared: s => s.shared,
    ip_version: s => s.ipVersion,
  })
  const it = noun<AddressScope>({ of: addressScope, present })
  return handlers(addressScopes, {
    list: call => it.list(call, domain.list),
    show: call => it.show(call, domain.show),
    create: call => it.create(call, domain.create),
    update: call => it.update(call, domain.update),
    remove: call => it.remove(call, domain.remove),
  })
}

export const addressGroupHandlers = (domain: AddressGroups): HandlerTable => {
  const present = presenter<AddressGroup>()(addressGroup.view, {
    ...ownerView,
    ...storyView,
    name: g => g.name,
    addresses: g => [...g.addresses],
    shared: g => g.shared,
  })
  const it = noun<AddressGroup>({ of: addressGroup, present })
  return handlers(addressGroups, {
    list: call => it.list(call, domain.list),
    show: call => it.show(call, domain.show),
    create: call => it.create(call, domain.create),
    update: call => it.update(call, domain.update),
    remove: call => it.remove(call, domain.remove),
    add: async call => ({
      address_group: await call.show(present, await domain.add(call.ctx, call.params.id, call.body.addresses)),
    }),
    take: async call => ({
      address_group: await call.show(present, await domain.take(call.ctx, call.params.id, call.body.addresses)),
    }),
  })
}
