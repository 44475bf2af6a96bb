// From a saga's failures to what a user may read of them: which of upstream's details fits, and a sentence without internals.
import type { DetailWord } from '#services/cinder/domain/messages.ts'

/** The words of the last failure that says anything, fit for a user: no path, no host. */
export function failureWords(errors: readonly Error[]): string {
  const last = errors.at(-1)
  if (last === undefined) return ''
  const { code = '' } = last as { code?: string }
  if (code === 'NoValidBackend' || code === 'PoolFull' || code === 'SagaTimeout' || code === 'StepTimeout')
    return last.message
  if (code === 'NoSuchConsumer' || code === 'RpcTimeout') return 'the volume service does not answer'
  if (code.startsWith('Backend:') || code.startsWith('Backup:')) return withoutPaths(last.message)
  if (code === 'RemoteFault') return withoutPaths(last.message)
  return ''
}
const withoutPaths = (text: string): string => text.replaceAll(/\/[^\s'":]+/g, '…').slice(0, 500)

/** Which detail of upstream's list it is, `otherwise` when none is more exact. */
export function failureDetail(errors: readonly Error[], otherwise: DetailWord): DetailWord {
  const { code = '' } = (errors.at(-1) ?? {}) as { code?: string }
  switch (code) {
    case 'NoValidBackend':
    case 'PoolFull':
      return 'noBackend'
    case 'Backend:too-small':
      return 'noSpaceForImage'
    case 'Backend:refused':
    case 'Backend:corrupt':
      return otherwise === 'driverFailedCreate' ? 'imageUnacceptable' : otherwise
    case 'Backend:busy':
      return otherwise === 'snapshotDeleteFailed' ? 'snapshotBusy' : otherwise
    default:
      return otherwise
  }
}
