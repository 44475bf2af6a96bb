// Which project one works in, and the way into another.
import { MenuToggle, Select, SelectList, SelectOption } from '@patternfly/react-core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { enterProject } from '#app/api/identity.ts'
import { projectsQuery } from '#app/api/queries.ts'
import { useCloud, useProject, useSession } from '#app/ui/cloud.tsx'
import { useToasts } from '#app/ui/toasts.tsx'

export function ProjectMenu() {
  const { t } = useTranslation()
  const { client, session: store } = useCloud()
  const session = useSession()
  const project = useProject()
  const queries = useQueryClient()
  const navigate = useNavigate()
  const toasts = useToasts()
  const [open, setOpen] = useState(false)
  const projects = useQuery({ ...projectsQuery(client, session?.unscoped ?? ''), enabled: open && session !== null })

  const enter = async (id: string): Promise<void> => {
    setOpen(false)
    if (session === null || id === project.id) return
    try {
      const entered = await enterProject(client, session, id)
      await navigate({ to: location.pathname.startsWith('/servers') ? '/servers' : '/' })
      queries.clear()
      store.write(entered)
    } catch (error) {
      toasts.failed(t('nav.project'), error)
    }
  }

  return (
    <Select
      isOpen={open}
      selected={project.id}
      onOpenChange={setOpen}
      onSelect={(_event, id) => void enter(String(id))}
      toggle={ref => (
        <MenuToggle
          ref={ref}
          className="koto-project"
          isExpanded={open}
          aria-label={`${t('nav.project')}: ${project.name}`}
          onClick={() => setOpen(!open)}
        >
          <span className="koto-subtle koto-wide">{t('nav.project')} </span>
          {project.name}
        </MenuToggle>
      )}
    >
      <SelectList>
        {(projects.data ?? [project]).map(it => (
          <SelectOption key={it.id} value={it.id}>
            {it.name}
          </SelectOption>
        ))}
      </SelectList>
    </Select>
  )
}
