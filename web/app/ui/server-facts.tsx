// Everything Nova tells about a server, in words.
import {
  Card,
  CardBody,
  CardTitle,
  DescriptionList,
  DescriptionListDescription,
  DescriptionListGroup,
  DescriptionListTerm,
  Grid,
  GridItem,
  Label,
} from '@patternfly/react-core'
import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import type { Server } from '#app/api/compute.ts'
import { imagesQuery } from '#app/api/queries.ts'
import { useClient } from '#app/ui/cloud.tsx'
import { CopyButton } from '#app/ui/command-text.tsx'
import { en } from '#app/i18n/en.ts'
import { formatMb } from '#app/ui/format.ts'
import { When } from '#app/ui/when.tsx'

export function ServerFacts({ server }: { readonly server: Server }) {
  return (
    <Grid hasGutter>
      <GridItem lg={6} md={12}>
        <Machine server={server} />
      </GridItem>
      <GridItem lg={6} md={12} className="koto-stack">
        <Addresses server={server} />
        <Access server={server} />
      </GridItem>
    </Grid>
  )
}

function Machine({ server }: { readonly server: Server }) {
  const { t } = useTranslation()
  const images = useQuery(imagesQuery(useClient()))
  const imageId = server.image === '' ? null : server.image.id
  const { vcpus, ram, disk, original_name: flavor } = server.flavor
  const power = `p${server['OS-EXT-STS:power_state']}`
  return (
    <Card isFullHeight>
      <CardTitle component="h2">{t('server.title')}</CardTitle>
      <CardBody>
        <DescriptionList isHorizontal isCompact>
          <Fact name={t('common.id')}>
            <code>{server.id}</code> <CopyButton text={server.id} />
          </Fact>
          {server.description && <Fact name={t('server.field.description')}>{server.description}</Fact>}
          <Fact name={t('servers.image')}>
            {imageId === null
              ? t('servers.fromVolume')
              : (images.data?.find(image => image.id === imageId)?.name ?? imageId)}
          </Fact>
          <Fact name={t('servers.flavor')}>
            {vcpus === undefined || ram === undefined || disk === undefined
              ? (flavor ?? server.flavor.id)
              : t('launch.flavorLine', { name: flavor ?? '', vcpus, ram: formatMb(ram), disk })}
          </Fact>
          <Fact name={t('server.field.power')}>
            {power in en.server.power ? t(`server.power.${power as PowerKey}`) : server['OS-EXT-STS:power_state']}
          </Fact>
          <Fact name={t('server.field.task')}>{server['OS-EXT-STS:task_state'] ?? t('common.none')}</Fact>
          <Fact name={t('server.field.zone')}>{server['OS-EXT-AZ:availability_zone'] || t('common.none')}</Fact>
          {server['OS-EXT-SRV-ATTR:host'] && (
            <Fact name={t('server.field.host')}>{server['OS-EXT-SRV-ATTR:host']}</Fact>
          )}
          <Fact name={t('servers.created')}>
            <When iso={server.created} />
          </Fact>
          {server['OS-SRV-USG:launched_at'] && (
            <Fact name={t('server.field.launched')}>
              <When iso={server['OS-SRV-USG:launched_at']} />
            </Fact>
          )}
          <Fact name={t('server.field.updated')}>
            <When iso={server.updated} />
          </Fact>
          {server.tags !== undefined && server.tags.length > 0 && (
            <Fact name={t('server.field.tags')}>{server.tags.join(', ')}</Fact>
          )}
        </DescriptionList>
      </CardBody>
    </Card>
  )
}

type PowerKey = keyof typeof en.server.power

function Addresses({ server }: { readonly server: Server }) {
  const { t } = useTranslation()
  const networks = Object.entries(server.addresses)
  return (
    <Card>
      <CardTitle component="h2">{t('servers.addresses')}</CardTitle>
      <CardBody>
        {networks.length === 0 && <span className="koto-subtle">{t('common.none')}</span>}
        <DescriptionList isHorizontal isCompact>
          {networks.map(([network, addresses]) => (
            <Fact key={network} name={network}>
              {addresses.map(address => (
                <div key={address.addr} className="koto-address">
                  <code>{address.addr}</code>
                  <Label isCompact color={address['OS-EXT-IPS:type'] === 'floating' ? 'purple' : 'grey'}>
                    {address['OS-EXT-IPS:type'] === 'floating' ? t('server.field.floating') : t('server.field.fixed')}
                  </Label>
                  <span className="koto-subtle">{address['OS-EXT-IPS-MAC:mac_addr']}</span>
                </div>
              ))}
            </Fact>
          ))}
        </DescriptionList>
      </CardBody>
    </Card>
  )
}

function Access({ server }: { readonly server: Server }) {
  const { t } = useTranslation()
  const groups = [...new Set((server.security_groups ?? []).map(({ name }) => name))]
  const volumes = server['os-extended-volumes:volumes_attached'] ?? []
  return (
    <Card>
      <CardTitle component="h2">{t('server.field.ssh')}</CardTitle>
      <CardBody>
        <DescriptionList isHorizontal isCompact>
          <Fact name={t('server.field.keyPair')}>{server.key_name ?? t('common.none')}</Fact>
          <Fact name={t('server.field.groups')}>{groups.join(', ') || t('common.none')}</Fact>
          <Fact name={t('server.field.volumes')}>{volumes.map(({ id }) => id).join(', ') || t('common.none')}</Fact>
          <Fact name="ssh">
            <code>koto ssh {server.id}</code> <CopyButton text={`koto ssh ${server.id}`} />
          </Fact>
        </DescriptionList>
      </CardBody>
    </Card>
  )
}

function Fact({ name, children }: { readonly name: string; readonly children: ReactNode }) {
  return (
    <DescriptionListGroup>
      <DescriptionListTerm>{name}</DescriptionListTerm>
      <DescriptionListDescription>{children}</DescriptionListDescription>
    </DescriptionListGroup>
  )
}
