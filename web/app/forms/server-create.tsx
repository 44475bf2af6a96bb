// Launch a server: what it is made from, why it cannot be yet, what it takes from the quota, and the same as a command.
import {
  ActionGroup,
  Button,
  Card,
  CardBody,
  CardTitle,
  Checkbox,
  Form,
  FormGroup,
  FormHelperText,
  FormSelect,
  FormSelectOption,
  Grid,
  GridItem,
  HelperText,
  HelperTextItem,
  TextInput,
} from '@patternfly/react-core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { openstackFor } from '#app/api/command.ts'
import { createServer, createServerCall, type NewServer } from '#app/api/compute.ts'
import { takesServers } from '#app/api/network.ts'
import {
  flavorsQuery,
  imagesQuery,
  keyPairsQuery,
  limitsQuery,
  networksQuery,
  securityGroupsQuery,
} from '#app/api/queries.ts'
import { whyNotLaunch, type Reason } from '#app/forms/launch-check.ts'
import { useClient, useProject } from '#app/ui/cloud.tsx'
import { CommandText } from '#app/ui/command-text.tsx'
import { formatMb } from '#app/ui/format.ts'
import { Gauge } from '#app/ui/gauge.tsx'
import { ReadFailure } from '#app/ui/query-state.tsx'
import { useToasts } from '#app/ui/toasts.tsx'
import { VerdictButton } from '#app/ui/verdict-button.tsx'

interface Props {
  readonly onCreated: (id: string) => void
  readonly onCancel: () => void
}

export function ServerCreate({ onCreated, onCancel }: Props) {
  const { t } = useTranslation()
  const client = useClient()
  const project = useProject()
  const queries = useQueryClient()
  const toasts = useToasts()
  const images = useQuery(imagesQuery(client))
  const flavors = useQuery(flavorsQuery(client))
  const networks = useQuery(networksQuery(client))
  const keyPairs = useQuery(keyPairsQuery(client))
  const groups = useQuery(securityGroupsQuery(client, project.id))
  const limits = useQuery(limitsQuery(client))

  const [name, setName] = useState('')
  const [imageId, setImageId] = useState<string | null>(null)
  const [flavorId, setFlavorId] = useState<string | null>(null)
  const [networkId, setNetworkId] = useState<string | null>(null)
  const [keyName, setKeyName] = useState<string | null>(null)
  const [chosenGroups, setChosenGroups] = useState<readonly string[]>([])

  const usable = (networks.data ?? [])
    .filter(network => takesServers(network, project.id))
    .sort((a, b) => Number(b.project_id === project.id) - Number(a.project_id === project.id))
  const sizes = (flavors.data ?? []).toSorted((a, b) => a.ram - b.ram || a.vcpus - b.vcpus)
  // What nobody chose yet is the first that fits, so that a name is enough for a first server.
  const image = (images.data ?? []).find(({ id }) => id === imageId) ?? (imageId === null ? firstActive() : undefined)
  const flavor = sizes.find(({ id }) => id === flavorId) ?? (flavorId === null ? firstThatFits() : undefined)
  const network = networkId ?? usable[0]?.id ?? (networks.data === undefined ? '' : 'none')
  const key = keyName ?? keyPairs.data?.[0]?.name ?? ''

  function firstActive() {
    return images.data?.find(({ status }) => status === 'active')
  }
  function firstThatFits() {
    return sizes.find(({ ram, disk }) => ram >= (image?.min_ram ?? 0) && (disk === 0 || disk >= (image?.min_disk ?? 0)))
  }

  const wanted: NewServer = {
    name: name.trim(),
    imageId: image?.id ?? '',
    flavorId: flavor?.id ?? '',
    network,
    keyName: key === '' ? null : key,
    securityGroups: chosenGroups,
  }
  const create = useMutation({
    mutationFn: () => createServer(client, wanted),
    onSuccess: id => {
      void queries.invalidateQueries({ queryKey: ['servers'] })
      void queries.invalidateQueries({ queryKey: ['limits'] })
      onCreated(id)
    },
    onError: error => toasts.failed(t('launch.failed'), error),
  })

  const say = useReason()
  const loading = [images, flavors, networks].some(query => query.isPending)
  const reasons = loading
    ? [t('launch.why.loading')]
    : create.isPending
      ? [t('launch.why.busy')]
      : whyNotLaunch({ name, image, flavor, network, limits: limits.data }).map(say)
  const because = reasons.length === 0 ? null : `${t('launch.cannot')} ${reasons.join(' · ')}`
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    if (because === null) create.mutate()
  }
  const failure = [images, flavors, networks].find(query => query.error !== null)

  return (
    <Grid hasGutter>
      <GridItem lg={7} md={12}>
        <Card>
          <CardBody>
            <Form onSubmit={submit}>
              {failure !== undefined && (
                <ReadFailure error={failure.error} retry={() => void queries.invalidateQueries()} />
              )}
              <FormGroup label={t('launch.name')} isRequired fieldId="server-name">
                <TextInput
                  id="server-name"
                  value={name}
                  isRequired
                  autoFocus
                  autoComplete="off"
                  onChange={(_event, value) => setName(value)}
                />
              </FormGroup>
              <FormGroup label={t('launch.image')} isRequired fieldId="server-image">
                <FormSelect id="server-image" value={image?.id ?? ''} onChange={(_event, value) => setImageId(value)}>
                  <FormSelectOption value="" label={t('launch.imageNone')} isDisabled />
                  {images.data?.map(({ id, name: label, status }) => (
                    <FormSelectOption key={id} value={id} label={label ?? id} isDisabled={status !== 'active'} />
                  ))}
                </FormSelect>
              </FormGroup>
              <FormGroup label={t('launch.flavor')} isRequired fieldId="server-flavor">
                <FormSelect
                  id="server-flavor"
                  value={flavor?.id ?? ''}
                  onChange={(_event, value) => setFlavorId(value)}
                >
                  <FormSelectOption value="" label={t('launch.flavorNone')} isDisabled />
                  {sizes.map(({ id, name: label, vcpus, ram, disk }) => (
                    <FormSelectOption
                      key={id}
                      value={id}
                      label={t('launch.flavorLine', { name: label, vcpus, ram: formatMb(ram), disk })}
                    />
                  ))}
                </FormSelect>
              </FormGroup>
              <FormGroup label={t('launch.network')} isRequired fieldId="server-network">
                <FormSelect id="server-network" value={network} onChange={(_event, value) => setNetworkId(value)}>
                  {usable.map(({ id, name: label }) => (
                    <FormSelectOption key={id} value={id} label={label} />
                  ))}
                  <FormSelectOption value="none" label={t('launch.networkNone')} />
                </FormSelect>
              </FormGroup>
              <FormGroup label={t('launch.keyPair')} fieldId="server-key">
                <FormSelect id="server-key" value={key} onChange={(_event, value) => setKeyName(value)}>
                  {keyPairs.data?.map(pair => (
                    <FormSelectOption key={pair.name} value={pair.name} label={pair.name} />
                  ))}
                  <FormSelectOption value="" label={t('launch.keyPairNone')} />
                </FormSelect>
              </FormGroup>
              <FormGroup label={t('launch.groups')} role="group" fieldId="server-groups">
                {groups.data?.map(group => (
                  <Checkbox
                    key={group.id}
                    id={`group-${group.id}`}
                    label={group.name}
                    isChecked={chosenGroups.includes(group.name)}
                    onChange={(_event, checked) =>
                      setChosenGroups(old => (checked ? [...old, group.name] : old.filter(it => it !== group.name)))
                    }
                  />
                ))}
                <FormHelperText>
                  <HelperText>
                    <HelperTextItem>{t('launch.groupsHelp')}</HelperTextItem>
                  </HelperText>
                </FormHelperText>
              </FormGroup>
              <div id="launch-why" className="koto-why" aria-live="polite">
                {because !== null && (
                  <HelperText>
                    <HelperTextItem variant="warning">{because}</HelperTextItem>
                  </HelperText>
                )}
              </div>
              <ActionGroup>
                <VerdictButton
                  type="submit"
                  variant="primary"
                  because={because}
                  isLoading={create.isPending}
                  aria-describedby="launch-why"
                >
                  {create.isPending ? t('launch.submitting') : t('launch.submit')}
                </VerdictButton>
                <Button variant="link" onClick={onCancel}>
                  {t('common.cancel')}
                </Button>
              </ActionGroup>
            </Form>
          </CardBody>
        </Card>
      </GridItem>
      <GridItem lg={5} md={12} className="koto-stack">
        {limits.data !== undefined && (
          <Card>
            <CardTitle>{t('launch.summary')}</CardTitle>
            <CardBody>
              <p className="koto-subtle">{t('launch.summaryText')}</p>
              <div className="koto-gauges">
                <Gauge
                  label={t('overview.servers')}
                  used={limits.data.totalInstancesUsed}
                  limit={limits.data.maxTotalInstances}
                  adds={1}
                />
                <Gauge
                  label={t('overview.cores')}
                  used={limits.data.totalCoresUsed}
                  limit={limits.data.maxTotalCores}
                  adds={flavor?.vcpus ?? 0}
                />
                <Gauge
                  label={t('overview.ram')}
                  used={limits.data.totalRAMUsed}
                  limit={limits.data.maxTotalRAMSize}
                  adds={flavor?.ram ?? 0}
                  format={formatMb}
                />
              </div>
            </CardBody>
          </Card>
        )}
        <Card>
          <CardTitle>{t('launch.command')}</CardTitle>
          <CardBody>
            <CommandText text={openstackFor(createServerCall(wanted)) ?? ''} />
          </CardBody>
        </Card>
      </GridItem>
    </Grid>
  )
}

/** A reason in words; memory with its unit. */
function useReason(): (reason: Reason) => string {
  const { t } = useTranslation()
  return reason => {
    switch (reason.key) {
      case 'ram':
        return t('launch.why.ram', { ...reason, need: formatMb(reason.need), has: formatMb(reason.has) })
      case 'quotaRam':
        return t('launch.why.quotaRam', { need: formatMb(reason.need), left: formatMb(reason.left) })
      case 'disk':
        return t('launch.why.disk', reason)
      case 'imageNotReady':
        return t('launch.why.imageNotReady', reason)
      case 'quotaServers':
        return t('launch.why.quotaServers', reason)
      case 'quotaCores':
        return t('launch.why.quotaCores', reason)
      default:
        return t(`launch.why.${reason.key}`)
    }
  }
}
