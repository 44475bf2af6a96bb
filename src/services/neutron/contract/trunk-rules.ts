// Who may do what with trunks and their subports.
import { ruleTable } from '#kernel/contract/rule.ts'

export const trunkRules = ruleTable(['project'], {
  createTrunk: ['create_trunk', '(rule:admin_only) or (role:member and project_id:%(project_id)s)', 'Make a trunk'],
  createTrunkTags: [
    'create_trunk:tags',
    '(rule:admin_only) or (role:member and project_id:%(project_id)s)',
    'Make tags of a trunk',
  ],
  getTrunk: ['get_trunk', '(rule:admin_only) or (role:reader and project_id:%(project_id)s)', 'See a trunk'],
  getTrunkTags: [
    'get_trunk:tags',
    '(rule:admin_only) or (role:reader and project_id:%(project_id)s)',
    'See tags of a trunk',
  ],
  updateTrunk: ['update_trunk', '(rule:admin_only) or (role:member and project_id:%(project_id)s)', 'Change a trunk'],
  updateTrunkTags: [
    'update_trunk:tags',
    '(rule:admin_only) or (role:member and project_id:%(project_id)s)',
    'Change tags of a trunk',
  ],
  deleteTrunk: ['delete_trunk', '(rule:admin_only) or (role:member and project_id:%(project_id)s)', 'Remove a trunk'],
  deleteTrunkTags: [
    'delete_trunk:tags',
    '(rule:admin_only) or (role:member and project_id:%(project_id)s)',
    'Remove tags of a trunk',
  ],
  getSubports: [
    'get_subports',
    '(rule:admin_only) or (role:reader and project_id:%(project_id)s)',
    'See the subports of a trunk',
  ],
  addSubports: [
    'add_subports',
    '(rule:admin_only) or (role:member and project_id:%(project_id)s)',
    'Add subports to a trunk',
  ],
  removeSubports: [
    'remove_subports',
    '(rule:admin_only) or (role:member and project_id:%(project_id)s)',
    'Take subports from a trunk',
  ],
})
