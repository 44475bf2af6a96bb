// Rows that every noun with standard attributes has: whose it is, what it is called, when it came and changed, its tags.
import { inOut, once, out, question } from '#kernel/contract/resource.ts'
import { int, list, text, uuid } from '#kernel/contract/shapes.ts'
import { description, name, projectId } from '#services/neutron/contract/words.ts'

export const identity = {
  id: out(uuid).filters().sorts(),
  name: inOut(name).otherwise('').filters().sorts(),
}
/** One and the same value under its old and its new name; the caller's own project when neither is sent. */
export const owner = {
  project_id: once(projectId).optional().filters().sorts().of('project-id'),
  tenant_id: once(projectId).optional().filters().sorts(),
}
export const story = {
  description: inOut(description).otherwise('').filters().of('standard-attr-description'),
  created_at: out(text()).of('standard-attr-timestamp'),
  updated_at: out(text()).of('standard-attr-timestamp'),
  changed_since: question(text()).filters().of('standard-attr-timestamp'),
  revision_number: out(int()).filters().of('standard-attr-revisions'),
}
export const tagged = {
  tags: out(list(text())).filters().of('standard-attr-tag'),
  'tags-any': question(text()).filters().of('standard-attr-tag'),
  'not-tags': question(text()).filters().of('standard-attr-tag'),
  'not-tags-any': question(text()).filters().of('standard-attr-tag'),
}
