// All servers of the project, as they are this second.
import {
  EmptyState,
  EmptyStateActions,
  EmptyStateBody,
  EmptyStateFooter,
  Button,
  PageSection,
  Pagination,
  SearchInput,
  Toolbar,
  ToolbarContent,
  ToolbarItem,
} from '@patternfly/react-core'
import SearchIcon from '@patternfly/react-icons/dist/esm/icons/search-icon'
import ServerIcon from '@patternfly/react-icons/dist/esm/icons/server-icon'
import { Table, Tbody, Td, Th, Thead, Tr, type ThProps } from '@patternfly/react-table'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Server } from '#app/api/compute.ts'
import { imagesQuery, serversQuery } from '#app/api/queries.ts'
import { ServerDelete } from '#app/forms/server-delete.tsx'
import { LinkButton } from '#app/pages/link-button.tsx'
import { PageHead } from '#app/pages/page-head.tsx'
import { useClient } from '#app/ui/cloud.tsx'
import { QueryState } from '#app/ui/query-state.tsx'
import { ServerMenu } from '#app/ui/server-menu.tsx'
import { StatusLabel } from '#app/ui/status-label.tsx'
import { When } from '#app/ui/when.tsx'

const PER_PAGE = 20

export default function Servers() {
  const { t } = useTranslation()
  const servers = useQuery(serversQuery(useClient()))
  return (
    <>
      <PageHead
        title={t('servers.title')}
        actions={<LinkButton to="/servers/create">{t('servers.launch')}</LinkButton>}
      />
      <PageSection isFilled>
        <QueryState query={servers}>
          {all => (all.length === 0 ? <NoServers /> : <ServerTable servers={all} />)}
        </QueryState>
      </PageSection>
    </>
  )
}

function NoServers() {
  const { t } = useTranslation()
  return (
    <EmptyState titleText={t('servers.empty')} icon={ServerIcon} headingLevel="h2">
      <EmptyStateBody>{t('servers.emptyText')}</EmptyStateBody>
      <EmptyStateFooter>
        <EmptyStateActions>
          <LinkButton to="/servers/create">{t('servers.launch')}</LinkButton>
        </EmptyStateActions>
      </EmptyStateFooter>
    </EmptyState>
  )
}

type SortKey = 'name' | 'status' | 'created'

function ServerTable({ servers }: { readonly servers: readonly Server[] }) {
  const { t } = useTranslation()
  const images = useQuery(imagesQuery(useClient()))
  const [text, setText] = useState('')
  const [sort, setSort] = useState<{ key: SortKey; direction: 'asc' | 'desc' }>({ key: 'created', direction: 'desc' })
  const [page, setPage] = useState(1)
  const [deleting, setDeleting] = useState<Server | null>(null)

  const turn = sort.direction === 'asc' ? 1 : -1
  const shown = servers
    .filter(server => matches(server, text.trim().toLowerCase()))
    .sort((a, b) => turn * a[sort.key].localeCompare(b[sort.key]))
  const lastPage = Math.max(1, Math.ceil(shown.length / PER_PAGE))
  const at = Math.min(page, lastPage)
  const rows = shown.slice((at - 1) * PER_PAGE, at * PER_PAGE)

  const sortable = (key: SortKey): NonNullable<ThProps['sort']> => ({
    columnIndex: ['name', 'status', 'created'].indexOf(key),
    sortBy: { index: ['name', 'status', 'created'].indexOf(sort.key), direction: sort.direction },
    onSort: (_event, _index, direction) => setSort({ key, direction }),
  })
  const imageName = (server: Server): string => {
    if (server.image === '') return t('servers.fromVolume')
    const { id } = server.image
    return images.data?.find(image => image.id === id)?.name ?? id.slice(0, 8)
  }

  return (
    <>
      <Toolbar inset={{ default: 'insetNone' }}>
        <ToolbarContent>
          <ToolbarItem>
            <SearchInput
              aria-label={t('servers.filter')}
              placeholder={t('servers.filter')}
              value={text}
              resetButtonLabel={t('servers.clear')}
              onChange={(_event, value) => setText(value)}
              onClear={() => setText('')}
            />
          </ToolbarItem>
          {shown.length > PER_PAGE && (
            <ToolbarItem variant="pagination" align={{ default: 'alignEnd' }}>
              <Pagination
                isCompact
                itemCount={shown.length}
                perPage={PER_PAGE}
                perPageOptions={[]}
                page={at}
                onSetPage={(_event, wanted) => setPage(wanted)}
              />
            </ToolbarItem>
          )}
        </ToolbarContent>
      </Toolbar>
      {rows.length === 0 ? (
        <EmptyState titleText={t('servers.noMatch')} icon={SearchIcon} headingLevel="h2">
          <EmptyStateBody>{t('servers.noMatchText', { text })}</EmptyStateBody>
          <EmptyStateFooter>
            <Button variant="link" onClick={() => setText('')}>
              {t('servers.clear')}
            </Button>
          </EmptyStateFooter>
        </EmptyState>
      ) : (
        <Table aria-label={t('servers.title')} variant="compact">
          <Thead>
            <Tr>
              <Th sort={sortable('name')}>{t('common.name')}</Th>
              <Th sort={sortable('status')}>{t('servers.status')}</Th>
              <Th>{t('servers.image')}</Th>
              <Th>{t('servers.flavor')}</Th>
              <Th>{t('servers.addresses')}</Th>
              <Th sort={sortable('created')}>{t('servers.created')}</Th>
              <Th screenReaderText={t('servers.actions')} />
            </Tr>
          </Thead>
          <Tbody>
            {rows.map(server => (
              <Tr key={server.id}>
                <Td dataLabel={t('common.name')}>
                  <Link to="/servers/$serverId" params={{ serverId: server.id }}>
                    {server.name}
                  </Link>
                </Td>
                <Td dataLabel={t('servers.status')}>
                  <StatusLabel server={server} />
                </Td>
                <Td dataLabel={t('servers.image')}>{imageName(server)}</Td>
                <Td dataLabel={t('servers.flavor')}>{server.flavor.original_name ?? server.flavor.id}</Td>
                <Td dataLabel={t('servers.addresses')}>
                  {addressesOf(server).map(address => (
                    <div key={address}>
                      <code>{address}</code>
                    </div>
                  ))}
                </Td>
                <Td dataLabel={t('servers.created')}>
                  <When iso={server.created} />
                </Td>
                <Td isActionCell>
                  <ServerMenu server={server} askDelete={setDeleting} />
                </Td>
              </Tr>
            ))}
          </Tbody>
        </Table>
      )}
      <ServerDelete server={deleting} close={() => setDeleting(null)} />
    </>
  )
}

function addressesOf(server: Server): readonly string[] {
  return Object.values(server.addresses).flatMap(list => list.map(({ addr }) => addr))
}

function matches(server: Server, text: string): boolean {
  return text === '' || [server.name, server.id, ...addressesOf(server)].some(word => word.toLowerCase().includes(text))
}
