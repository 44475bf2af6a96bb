// A list of things of one kind: found by words, with what one can do to each behind three dots.
import {
  Dropdown,
  DropdownItem,
  DropdownList,
  EmptyState,
  EmptyStateBody,
  MenuToggle,
  SearchInput,
  Toolbar,
  ToolbarContent,
  ToolbarItem,
} from '@patternfly/react-core'
import EllipsisVIcon from '@patternfly/react-icons/dist/esm/icons/ellipsis-v-icon'
import { Table, Tbody, Td, Th, Thead, Tr } from '@patternfly/react-table'
import { useState, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'

export interface Column<T> {
  readonly title: string
  readonly cell: (row: T) => ReactNode
}
export interface Action {
  readonly title: string
  readonly danger?: boolean
  /** Why not now; null when it works. */
  readonly because?: string | null
  readonly run: () => void
}
interface Props<T> {
  readonly label: string
  readonly rows: readonly T[]
  readonly columns: readonly Column<T>[]
  readonly name: (row: T) => string
  /** What the filter looks at. */
  readonly words: (row: T) => readonly string[]
  readonly actions: (row: T) => readonly Action[]
  readonly empty: string
}

export function ThingTable<T extends { readonly id: string }>(props: Props<T>) {
  const { label, rows, columns, name, words, actions, empty } = props
  const { t } = useTranslation()
  const [text, setText] = useState('')
  const wanted = text.trim().toLowerCase()
  const shown = rows.filter(row => wanted === '' || words(row).some(word => word.toLowerCase().includes(wanted)))
  if (rows.length === 0)
    return (
      <EmptyState titleText={empty} headingLevel="h2">
        <EmptyStateBody>{t('things.emptyText')}</EmptyStateBody>
      </EmptyState>
    )
  return (
    <>
      <Toolbar inset={{ default: 'insetNone' }}>
        <ToolbarContent>
          <ToolbarItem>
            <SearchInput
              aria-label={t('things.filter')}
              placeholder={t('things.filter')}
              value={text}
              resetButtonLabel={t('servers.clear')}
              onChange={(_event, value) => setText(value)}
              onClear={() => setText('')}
            />
          </ToolbarItem>
        </ToolbarContent>
      </Toolbar>
      <Table aria-label={label} variant="compact">
        <Thead>
          <Tr>
            {columns.map(column => (
              <Th key={column.title}>{column.title}</Th>
            ))}
            <Th screenReaderText={t('servers.actions')} />
          </Tr>
        </Thead>
        <Tbody>
          {shown.map(row => (
            <Tr key={row.id}>
              {columns.map(column => (
                <Td key={column.title} dataLabel={column.title}>
                  {column.cell(row)}
                </Td>
              ))}
              <Td isActionCell>
                <Menu name={name(row)} actions={actions(row)} />
              </Td>
            </Tr>
          ))}
        </Tbody>
      </Table>
      {shown.length === 0 && <p className="koto-subtle">{t('things.noMatch')}</p>}
    </>
  )
}

function Menu({ name, actions }: { readonly name: string; readonly actions: readonly Action[] }) {
  const { t } = useTranslation()
  const [open, setOpen] = useState(false)
  if (actions.length === 0) return null
  return (
    <Dropdown
      isOpen={open}
      onOpenChange={setOpen}
      popperProps={{ position: 'right' }}
      toggle={ref => (
        <MenuToggle
          ref={ref}
          variant="plain"
          isExpanded={open}
          aria-label={t('servers.actionsOf', { name })}
          icon={<EllipsisVIcon />}
          onClick={() => setOpen(!open)}
        />
      )}
    >
      <DropdownList>
        {actions.map(action => {
          const because = action.because ?? null
          const act = (): void => {
            setOpen(false)
            action.run()
          }
          return (
            <DropdownItem
              key={action.title}
              isDanger={action.danger === true}
              isAriaDisabled={because !== null}
              description={because}
              {...(because === null ? { onClick: act } : {})}
            >
              {action.title}
            </DropdownItem>
          )
        })}
      </DropdownList>
    </Dropdown>
  )
}
