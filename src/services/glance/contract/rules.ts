// The auditor's page: every rule of Glance's default policy with its check string, facts of upstream's policy modules. Rules of
// operations that are not built yet stand here too, so that an operator's policy file is understood whole.
import { ruleTable } from '#kernel/contract/rule.ts'

/** Named checks that rules refer to. */
export const baseRules: Readonly<Record<string, string>> = {
  default: '',
  context_is_admin: 'role:admin',
  service_api: 'role:service or role:admin',
}

export const rules = ruleTable(['project'], {
  cacheImage: ['cache_image', 'rule:context_is_admin', 'Cache image'],
  cacheList: ['cache_list', 'rule:context_is_admin', 'Cache list'],
  cacheDelete: ['cache_delete', 'rule:context_is_admin', 'Cache delete'],
  cacheClean: ['cache_clean', 'rule:context_is_admin', 'Cache clean'],
  cachePrune: ['cache_prune', 'rule:context_is_admin', 'Cache prune'],
  storesInfoDetail: ['stores_info_detail', 'rule:context_is_admin or rule:service_api', 'Stores info detail'],
  addImage: [
    'add_image',
    'rule:context_is_admin or (role:member and project_id:%(project_id)s and project_id:%(owner)s)',
    'Add image',
  ],
  deleteImage: ['delete_image', 'rule:context_is_admin or (role:member and project_id:%(project_id)s)', 'Delete image'],
  getImage: [
    'get_image',
    "rule:context_is_admin or (role:reader and (project_id:%(project_id)s or project_id:%(member_id)s or 'community':%(visibility)s or 'public':%(visibility)s or 'shared':%(visibility)s))",
    'Get image',
  ],
  getImages: ['get_images', 'rule:context_is_admin or (role:reader and project_id:%(project_id)s)', 'Get images'],
  modifyImage: ['modify_image', 'rule:context_is_admin or (role:member and project_id:%(project_id)s)', 'Modify image'],
  publicizeImage: ['publicize_image', 'rule:context_is_admin', 'Publicize image'],
  communitizeImage: [
    'communitize_image',
    'rule:context_is_admin or (role:member and project_id:%(project_id)s)',
    'Communitize image',
  ],
  downloadImage: [
    'download_image',
    "rule:context_is_admin or (role:member and (project_id:%(project_id)s or project_id:%(member_id)s or 'community':%(visibility)s or 'public':%(visibility)s or 'shared':%(visibility)s))",
    'Download image',
  ],
  downloadFromStore: [
    'download_from_store',
    "rule:context_is_admin or (role:member and (project_id:%(project_id)s or project_id:%(member_id)s or 'community':%(visibility)s or 'public':%(visibility)s or 'shared':%(visibility)s))",
    'Download from store',
  ],
  uploadImage: ['upload_image', 'rule:context_is_admin or (role:member and project_id:%(project_id)s)', 'Upload image'],
  deleteImageLocation: ['delete_image_location', 'rule:context_is_admin', 'Delete image location'],
  getImageLocation: [
    'get_image_location',
    'rule:context_is_admin or (role:reader and project_id:%(project_id)s)',
    'Get image location',
  ],
  setImageLocation: [
    'set_image_location',
    'rule:context_is_admin or (role:member and project_id:%(project_id)s)',
    'Set image location',
  ],
  addImageLocation: [
    'add_image_location',
    'rule:service_api or (role:member and project_id:%(project_id)s and project_id:%(owner)s)',
    'Add image location',
  ],
  fetchImageLocation: ['fetch_image_location', 'rule:service_api', 'Fetch image location'],
  addMember: ['add_member', 'rule:context_is_admin or (role:member and project_id:%(project_id)s)', 'Add member'],
  deleteMember: [
    'delete_member',
    'rule:context_is_admin or (role:member and project_id:%(project_id)s)',
    'Delete member',
  ],
  getMember: [
    'get_member',
    'rule:context_is_admin or role:reader and (project_id:%(project_id)s or project_id:%(member_id)s)',
    'Get member',
  ],
  getMembers: [
    'get_members',
    'rule:context_is_admin or role:reader and (project_id:%(project_id)s or project_id:%(member_id)s)',
    'Get members',
  ],
  modifyMember: [
    'modify_member',
    'rule:context_is_admin or (role:member and project_id:%(member_id)s)',
    'Modify member',
  ],
  manageImageCache: ['manage_image_cache', 'rule:context_is_admin', 'Manage image cache'],
  deactivate: ['deactivate', 'rule:context_is_admin or (role:member and project_id:%(project_id)s)', 'Deactivate'],
  reactivate: ['reactivate', 'rule:context_is_admin or (role:member and project_id:%(project_id)s)', 'Reactivate'],
  copyImage: ['copy_image', 'rule:context_is_admin', 'Copy image'],
  listCachedNodes: ['list_cached_nodes', 'rule:context_is_admin', 'List cached nodes'],
  metadefDefault: ['metadef_default', '', 'Metadef default', []],
  metadefAdmin: ['metadef_admin', 'rule:context_is_admin', 'Metadef admin', []],
  getMetadefNamespace: [
    'get_metadef_namespace',
    "rule:context_is_admin or (role:reader and (project_id:%(project_id)s or 'public':%(visibility)s))",
    'Get metadef namespace',
  ],
  getMetadefNamespaces: [
    'get_metadef_namespaces',
    'rule:context_is_admin or (role:reader and project_id:%(project_id)s)',
    'Get metadef namespaces',
  ],
  modifyMetadefNamespace: ['modify_metadef_namespace', 'rule:metadef_admin', 'Modify metadef namespace'],
  addMetadefNamespace: ['add_metadef_namespace', 'rule:metadef_admin', 'Add metadef namespace'],
  deleteMetadefNamespace: ['delete_metadef_namespace', 'rule:metadef_admin', 'Delete metadef namespace'],
  getMetadefObject: [
    'get_metadef_object',
    "rule:context_is_admin or (role:reader and (project_id:%(project_id)s or 'public':%(visibility)s))",
    'Get metadef object',
  ],
  getMetadefObjects: [
    'get_metadef_objects',
    "rule:context_is_admin or (role:reader and (project_id:%(project_id)s or 'public':%(visibility)s))",
    'Get metadef objects',
  ],
  modifyMetadefObject: ['modify_metadef_object', 'rule:metadef_admin', 'Modify metadef object'],
  addMetadefObject: ['add_metadef_object', 'rule:metadef_admin', 'Add metadef object'],
  deleteMetadefObject: ['delete_metadef_object', 'rule:metadef_admin', 'Delete metadef object'],
  listMetadefResourceTypes: [
    'list_metadef_resource_types',
    "rule:context_is_admin or (role:reader and (project_id:%(project_id)s or 'public':%(visibility)s))",
    'List metadef resource types',
  ],
  getMetadefResourceType: [
    'get_metadef_resource_type',
    "rule:context_is_admin or (role:reader and (project_id:%(project_id)s or 'public':%(visibility)s))",
    'Get metadef resource type',
  ],
  addMetadefResourceTypeAssociation: [
    'add_metadef_resource_type_association',
    'rule:metadef_admin',
    'Add metadef resource type association',
  ],
  removeMetadefResourceTypeAssociation: [
    'remove_metadef_resource_type_association',
    'rule:metadef_admin',
    'Remove metadef resource type association',
  ],
  getMetadefProperty: [
    'get_metadef_property',
    "rule:context_is_admin or (role:reader and (project_id:%(project_id)s or 'public':%(visibility)s))",
    'Get metadef property',
  ],
  getMetadefProperties: [
    'get_metadef_properties',
    "rule:context_is_admin or (role:reader and (project_id:%(project_id)s or 'public':%(visibility)s))",
    'Get metadef properties',
  ],
  modifyMetadefProperty: ['modify_metadef_property', 'rule:metadef_admin', 'Modify metadef property'],
  addMetadefProperty: ['add_metadef_property', 'rule:metadef_admin', 'Add metadef property'],
  removeMetadefProperty: ['remove_metadef_property', 'rule:metadef_admin', 'Remove metadef property'],
  getMetadefTag: [
    'get_metadef_tag',
    "rule:context_is_admin or (role:reader and (project_id:%(project_id)s or 'public':%(visibility)s))",
    'Get metadef tag',
  ],
  getMetadefTags: [
    'get_metadef_tags',
    "rule:context_is_admin or (role:reader and (project_id:%(project_id)s or 'public':%(visibility)s))",
    'Get metadef tags',
  ],
  modifyMetadefTag: ['modify_metadef_tag', 'rule:metadef_admin', 'Modify metadef tag'],
  addMetadefTag: ['add_metadef_tag', 'rule:metadef_admin', 'Add metadef tag'],
  addMetadefTags: ['add_metadef_tags', 'rule:metadef_admin', 'Add metadef tags'],
  deleteMetadefTag: ['delete_metadef_tag', 'rule:metadef_admin', 'Delete metadef tag'],
  deleteMetadefTags: ['delete_metadef_tags', 'rule:metadef_admin', 'Delete metadef tags'],
  getTask: ['get_task', 'rule:default', 'Get task'],
  getTasks: ['get_tasks', 'rule:default', 'Get tasks'],
  addTask: ['add_task', 'rule:default', 'Add task'],
  modifyTask: ['modify_task', 'rule:default', 'Modify task'],
  tasksApiAccess: ['tasks_api_access', 'rule:context_is_admin', 'Tasks api access'],
})
