// What the page asked the cloud for, call by call, as commands.
import { Checkbox, Label, ToggleGroup, ToggleGroupItem } from '@patternfly/react-core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { urlOf, type Sent } from '#app/api/client.ts'
import { curlFor, openstackFor } from '#app/api/command.ts'
import { useHistory } from '#app/ui/cloud.tsx'
import { CommandText } from '#app/ui/command-text.tsx'
import { formatMs } from '#app/ui/format.ts'

export function CommandList() {
  const { t } = useTranslation()
  const history = useHistory()
  const [curl, setCurl] = useState(false)
  const [changesOnly, setChangesOnly] = useState(false)
  const shown = once(history).filter(({ sent }) => !changesOnly || sent.call.method !== 'GET')
  return (
    <div className="koto-commands">
      <p className="koto-subtle">{t('commands.text')}</p>
      <div className="koto-commands-choice">
        <ToggleGroup aria-label={t('commands.form')} isCompact>
          <ToggleGroupItem text="openstack" isSelected={!curl} onChange={() => setCurl(false)} />
          <ToggleGroupItem text="curl" isSelected={curl} onChange={() => setCurl(true)} />
        </ToggleGroup>
        <Checkbox
          id="commands-changes-only"
          label={t('commands.hideReads')}
          isChecked={changesOnly}
          onChange={(_event, checked) => setChangesOnly(checked)}
        />
      </div>
      {shown.length === 0 && <p>{t('commands.empty')}</p>}
      <ol className="koto-plain-list">
        {shown.map(({ sent, times }) => (
          <li key={sent.id}>
            <SentHead sent={sent} times={times} />
            <SentCommand sent={sent} curl={curl} />
          </li>
        ))}
      </ol>
    </div>
  )
}

function SentHead({ sent, times }: { readonly sent: Sent; readonly times: number }) {
  const { t } = useTranslation()
  const good = sent.status > 0 && sent.status < 400
  return (
    <div className="koto-sent">
      <Label isCompact color={good ? 'green' : 'red'}>
        {sent.status === 0 ? t('commands.noAnswer') : sent.status}
      </Label>
      <code className="koto-sent-path">
        {sent.call.method} {urlOf(sent.call)}
      </code>
      <span className="koto-subtle">
        {times > 1 ? `${times} × ` : ''}
        {formatMs(sent.ms)}
      </span>
    </div>
  )
}

function SentCommand({ sent, curl }: { readonly sent: Sent; readonly curl: boolean }) {
  const { t } = useTranslation()
  const text = curl ? curlFor(sent.call, location.origin) : openstackFor(sent.call)
  return text === null ? <p className="koto-subtle">{t('commands.noCli')}</p> : <CommandText text={text} />
}

/** A call repeated by polling is one line, with how often it was made. */
function once(history: readonly Sent[]): readonly { readonly sent: Sent; readonly times: number }[] {
  const lines = new Map<string, { sent: Sent; times: number }>()
  for (const sent of history) {
    const key = sent.call.method === 'GET' ? `GET ${urlOf(sent.call)} ${sent.status}` : String(sent.id)
    const line = lines.get(key)
    if (line === undefined) lines.set(key, { sent, times: 1 })
    else line.times += 1
  }
  return [...lines.values()]
}
