// Security groups, and the rules of the one that is chosen.
import { Button, Content, PageSection } from '@patternfly/react-core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import {
  createGroup,
  createRule,
  deleteGroup,
  deleteRule,
  type NewRule,
  type Rule,
  type SecurityGroup,
} from '#app/api/network.ts'
import { rulesQuery, securityGroupsQuery } from '#app/api/queries.ts'
import { Ask, ChoiceField, TextField, useDeed, useQuestion } from '#app/forms/ask.tsx'
import { PageHead } from '#app/pages/page-head.tsx'
import { useClient, useProject } from '#app/ui/cloud.tsx'
import { QueryState } from '#app/ui/query-state.tsx'
import { ThingTable } from '#app/ui/thing-table.tsx'

export default function SecurityGroups() {
  const { t } = useTranslation()
  const client = useClient()
  const project = useProject()
  const groups = useQuery(securityGroupsQuery(client, project.id))
  const [chosen, setChosen] = useState<string | null>(null)
  const [question, ask] = useQuestion()
  const group = groups.data?.find(one => one.id === chosen) ?? groups.data?.[0]
  return (
    <>
      <PageHead
        title={t('things.groups.title')}
        actions={
          <Button onClick={() => ask(close => <GroupCreate close={close} />)}>{t('things.groups.create')}</Button>
        }
      />
      <PageSection isFilled>
        <QueryState query={groups}>
          {all => (
            <ThingTable
              label={t('things.groups.title')}
              rows={all}
              name={one => one.name}
              words={one => [one.name, one.id]}
              empty={t('things.groups.empty')}
              actions={one => [
                {
                  title: t('things.delete'),
                  danger: true,
                  because: one.name === 'default' ? t('things.why.default') : null,
                  run: () =>
                    ask(close => (
                      <Ask
                        title={t('server.deleteTitle', { name: one.name })}
                        submit={t('things.delete')}
                        danger
                        close={close}
                        work={() => deleteGroup(client, one.id)}
                        done={t('things.done.delete', { name: one.name })}
                        failed={t('things.failed.delete', { name: one.name })}
                        touches={['security-groups']}
                      />
                    )),
                },
              ]}
              columns={[
                {
                  title: t('common.name'),
                  cell: one => (
                    <Button
                      variant="link"
                      isInline
                      aria-pressed={one.id === group?.id}
                      onClick={() => setChosen(one.id)}
                    >
                      {one.name}
                    </Button>
                  ),
                },
                { title: t('server.field.description'), cell: one => one.description },
              ]}
            />
          )}
        </QueryState>
        {group !== undefined && <Rules group={group} key={group.id} />}
      </PageSection>
      {question}
    </>
  )
}

function Rules({ group }: { readonly group: SecurityGroup }) {
  const { t } = useTranslation()
  const client = useClient()
  const rules = useQuery(rulesQuery(client, group.id))
  const { run } = useDeed()
  const [question, ask] = useQuestion()
  const title = t('things.groups.rulesOf', { name: group.name })
  const ports = ({ port_range_min: from, port_range_max: to }: Rule): string =>
    from === null ? t('things.groups.all') : from === to ? String(from) : `${from}–${to ?? ''}`
  const words = (rule: Rule): string =>
    `${t(`things.groups.${rule.direction}`)} ${rule.protocol ?? t('things.groups.all')} ${ports(rule)}`
  return (
    <>
      <Content component="h2">{title}</Content>
      <Button variant="secondary" onClick={() => ask(close => <RuleCreate group={group} close={close} />)}>
        {t('things.groups.addRule')}
      </Button>
      <QueryState query={rules}>
        {all => (
          <ThingTable
            label={title}
            rows={all}
            name={words}
            words={rule => [words(rule), rule.remote_ip_prefix ?? '']}
            empty={t('things.groups.noRules')}
            actions={rule => [
              {
                title: t('things.delete'),
                danger: true,
                run: () =>
                  void run({
                    work: () => deleteRule(client, rule.id),
                    done: t('things.done.delete', { name: words(rule) }),
                    failed: t('things.failed.delete', { name: words(rule) }),
                    touches: ['rules'],
                  }),
              },
            ]}
            columns={[
              { title: t('things.groups.direction'), cell: rule => t(`things.groups.${rule.direction}`) },
              { title: t('things.groups.ethertype'), cell: rule => rule.ethertype },
              { title: t('things.groups.protocol'), cell: rule => rule.protocol ?? t('things.groups.all') },
              { title: t('things.groups.ports'), cell: ports },
              {
                title: t('things.groups.remote'),
                cell: rule =>
                  rule.remote_group_id === null
                    ? (rule.remote_ip_prefix ?? t('things.groups.all'))
                    : t('things.groups.sameGroup'),
              },
            ]}
          />
        )}
      </QueryState>
      {question}
    </>
  )
}

function GroupCreate({ close }: { readonly close: () => void }) {
  const { t } = useTranslation()
  const client = useClient()
  const [name, setName] = useState('')
  const [description, setDescription] = useState('')
  return (
    <Ask
      title={t('things.groups.create')}
      submit={t('things.create')}
      because={name.trim() === '' ? t('things.why.name') : null}
      close={close}
      work={() => createGroup(client, name.trim(), description)}
      done={t('things.done.create', { name })}
      failed={t('things.failed.create', { name })}
      touches={['security-groups']}
    >
      <TextField label={t('common.name')} value={name} onChange={setName} />
      <TextField label={t('server.field.description')} value={description} onChange={setDescription} optional />
    </Ask>
  )
}

function RuleCreate({ group, close }: { readonly group: SecurityGroup; readonly close: () => void }) {
  const { t } = useTranslation()
  const client = useClient()
  const [rule, setRule] = useState<NewRule>({ direction: 'ingress', protocol: 'tcp', port: '', prefix: '0.0.0.0/0' })
  const set = (change: Partial<NewRule>): void => setRule(old => ({ ...old, ...change }))
  const withPorts = rule.protocol === 'tcp' || rule.protocol === 'udp'
  const because = withPorts && !/^(\d{1,5}(-\d{1,5})?)?$/.test(rule.port) ? t('things.why.port') : null
  return (
    <Ask
      title={t('things.groups.addRule')}
      submit={t('things.groups.addRule')}
      because={because}
      close={close}
      work={() => createRule(client, group.id, { ...rule, port: withPorts ? rule.port : '' })}
      done={t('things.done.rule', { name: group.name })}
      failed={t('things.failed.rule', { name: group.name })}
      touches={['rules']}
    >
      <ChoiceField
        label={t('things.groups.direction')}
        value={rule.direction}
        onChange={value => set({ direction: value === 'egress' ? 'egress' : 'ingress' })}
        options={[
          ['ingress', t('things.groups.ingress')],
          ['egress', t('things.groups.egress')],
        ]}
      />
      <ChoiceField
        label={t('things.groups.protocol')}
        value={rule.protocol}
        onChange={protocol => set({ protocol })}
        options={[
          ['tcp', 'tcp'],
          ['udp', 'udp'],
          ['icmp', 'icmp'],
          ['', t('things.groups.all')],
        ]}
      />
      {withPorts && (
        <TextField
          label={t('things.groups.ports')}
          value={rule.port}
          placeholder="22"
          optional
          onChange={port => set({ port: port.trim() })}
        />
      )}
      <TextField
        label={t('things.groups.remote')}
        value={rule.prefix}
        optional
        onChange={prefix => set({ prefix: prefix.trim() })}
      />
    </Ask>
  )
}
