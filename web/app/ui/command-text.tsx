// A command in a box, with a button that copies it.
import { Button, CodeBlock, CodeBlockAction, CodeBlockCode, Tooltip } from '@patternfly/react-core'
import CopyIcon from '@patternfly/react-icons/dist/esm/icons/copy-icon'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'

export function CommandText({ text }: { readonly text: string }) {
  return (
    <CodeBlock actions={<CodeBlockAction>{<CopyButton text={text} />}</CodeBlockAction>}>
      <CodeBlockCode>{text}</CodeBlockCode>
    </CodeBlock>
  )
}

export function CopyButton({ text }: { readonly text: string }) {
  const { t } = useTranslation()
  const [copied, setCopied] = useState(false)
  const copy = (): void => {
    void copyText(text).then(() => setCopied(true))
  }
  return (
    <Tooltip content={copied ? t('common.copied') : t('common.copy')} onTooltipHidden={() => setCopied(false)}>
      <Button variant="plain" size="sm" aria-label={t('common.copy')} icon={<CopyIcon />} onClick={copy} />
    </Tooltip>
  )
}

/** Copies; where the page is not served securely (plain http to another machine) by way of a hidden field. */
async function copyText(text: string): Promise<void> {
  if (window.isSecureContext) return navigator.clipboard.writeText(text)
  const field = document.createElement('textarea')
  field.value = text
  field.style.position = 'fixed'
  field.style.opacity = '0'
  document.body.append(field)
  field.select()
  document.execCommand('copy')
  field.remove()
}
