// Cinder's domain and the API on it, put together.
import type { HandlerTable } from '#kernel/http/handlers.ts'
import { attachmentHandlers } from '#services/cinder/api/attachments.ts'
import { consistencyHandlers } from '#services/cinder/api/consistency-groups.ts'
import { groupHandlers } from '#services/cinder/api/groups.ts'
import { groupTypeHandlers } from '#services/cinder/api/group-types.ts'
import { backupHandlers } from '#services/cinder/api/backups.ts'
import { infoHandlers } from '#services/cinder/api/info.ts'
import { operatorHandlers } from '#services/cinder/api/operators.ts'
import { qosHandlers } from '#services/cinder/api/qos.ts'
import { managingHandlers } from '#services/cinder/api/managing.ts'
import { quotaHandlers } from '#services/cinder/api/quotas.ts'
import { snapshotHandlers } from '#services/cinder/api/snapshots.ts'
import { transferHandlers } from '#services/cinder/api/transfers.ts'
import { typeHandlers } from '#services/cinder/api/types.ts'
import { volumeActionHandlers } from '#services/cinder/api/volume-actions.ts'
import { volumeChangeHandlers } from '#services/cinder/api/volume-changes.ts'
import { volumeHandlers } from '#services/cinder/api/volumes.ts'
import { createAttachmentsDomain } from '#services/cinder/domain/attachments.ts'
import { createGroupSnapshotsDomain, type GroupSnapshotsDomain } from '#services/cinder/domain/group-snapshots.ts'
import { createGroupsDomain, type GroupsDomain } from '#services/cinder/domain/groups.ts'
import { createGroupTypesDomain } from '#services/cinder/domain/group-types.ts'
import { createOperatorsDomain } from '#services/cinder/domain/operators.ts'
import { createQosDomain } from '#services/cinder/domain/qos.ts'
import { createBackupsDomain, type BackupsDomain } from '#services/cinder/domain/backups.ts'
import { createManagingDomain } from '#services/cinder/domain/managing.ts'
import { createQuotaSetsDomain } from '#services/cinder/domain/quota-sets.ts'
import { createServicesDomain } from '#services/cinder/domain/services.ts'
import { createSnapshotsDomain, type SnapshotsDomain } from '#services/cinder/domain/snapshots.ts'
import type { DomainTools } from '#services/cinder/domain/tools.ts'
import { createTransfersDomain } from '#services/cinder/domain/transfers.ts'
import { createDefaultTypesDomain, createTypeEncryptionDomain } from '#services/cinder/domain/type-extras.ts'
import { createTypesDomain } from '#services/cinder/domain/types.ts'
import { createUserMessagesDomain } from '#services/cinder/domain/user-messages.ts'
import { createAttachingDomain } from '#services/cinder/domain/volumes/attaching.ts'
import { createChangesDomain } from '#services/cinder/domain/volumes/changes.ts'
import { createVolumeLoads } from '#services/cinder/domain/volumes/loads.ts'
import { createMetadataDomain } from '#services/cinder/domain/volumes/metadata.ts'
import { createVolumesDomain, type VolumesDomain } from '#services/cinder/domain/volumes/volumes.ts'

export function apiTables(tools: DomainTools): {
  tables: readonly HandlerTable[]
  volumes: VolumesDomain
  snapshots: SnapshotsDomain
  groups: GroupsDomain
  groupSnapshots: GroupSnapshotsDomain
  backups: BackupsDomain
} {
  const { maxLimit } = tools.settings
  const types = createTypesDomain(tools)
  const volumes = createVolumesDomain(tools)
  const snapshots = createSnapshotsDomain(tools)
  const managing = createManagingDomain({ ...tools, types })
  const backups = createBackupsDomain({ ...tools, types })
  const attachments = createAttachmentsDomain(tools)
  const attaching = createAttachingDomain({ ...tools, attachments })
  const metadata = createMetadataDomain(tools)
  const loads = createVolumeLoads(tools.database)
  const services = createServicesDomain(tools)
  const groupTypes = createGroupTypesDomain(tools)
  const operators = createOperatorsDomain(tools)
  const groupsTools = { ...tools, types, groupTypes }
  const groupsApi = {
    tools: groupsTools,
    groups: createGroupsDomain(groupsTools),
    snapshots: createGroupSnapshotsDomain(tools),
    maxLimit,
  }
  return {
    volumes,
    snapshots,
    groups: groupsApi.groups,
    groupSnapshots: groupsApi.snapshots,
    backups,
    tables: [
      volumeHandlers({ tools: { ...tools, types }, domain: volumes, loads }),
      ...volumeActionHandlers({ domain: volumes, attaching, metadata }),
      attachmentHandlers({ domain: attachments, maxLimit }),
      ...snapshotHandlers({ domain: snapshots, loads, maxLimit }),
      ...typeHandlers({ domain: types, maxLimit }),
      ...transferHandlers({ domain: createTransfersDomain(tools), maxLimit }),
      ...qosHandlers({
        qos: createQosDomain({ ...tools, types }),
        encryption: createTypeEncryptionDomain({ ...tools, types }),
        defaults: createDefaultTypesDomain({ ...tools, types }),
        volumes,
        maxLimit,
      }),
      ...groupTypeHandlers({ domain: groupTypes, maxLimit }),
      ...groupHandlers(groupsApi),
      ...consistencyHandlers(groupsApi),
      ...operatorHandlers(operators),
      volumeChangeHandlers({ domain: createChangesDomain({ ...tools, types }), managing }),
      ...managingHandlers({ domain: managing, loads, maxLimit }),
      ...backupHandlers({ domain: backups, loads, maxLimit }),
      quotaHandlers(createQuotaSetsDomain(tools)),
      ...infoHandlers({
        services,
        operators,
        messages: createUserMessagesDomain(tools),
        types,
        maxLimit,
        ratio: tools.settings.maxOverSubscriptionRatio,
      }),
    ],
  }
}
