// Where built guests and the verdict on KVM are kept: with the checkout, so that many clouds share them, else with the cloud.
import { accessSync, constants, existsSync, globSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

import type { StateDir } from '#host/node/state-dir.ts'

/** A folder that this user may write; it need not be there yet. */
export const guestCache = (state: Pick<StateDir, 'folder'>): string => sharedCache() ?? state.folder('cache', 'guest')

/** The checkout's; null when there is no checkout, or it belongs to somebody else and is left alone. */
function sharedCache(): string | null {
  const checkout = fileURLToPath(new URL('../..', import.meta.url))
  const shared = path.join(checkout, '.cache', 'guest')
  const decides = [shared, path.dirname(shared), checkout].find(folder => existsSync(folder))
  return existsSync(path.join(checkout, '.git')) && decides !== undefined && mayUse(decides) ? shared : null
}

/** The verdict on KVM as it was kept, wherever that is; null when it was not tried yet. Makes nothing. */
export function keptVerdict(state: Pick<StateDir, 'path'>): { kind: string; why: string } | null {
  const folder = sharedCache() ?? path.join(state.path, 'cache', 'guest')
  try {
    const kept = JSON.parse(readFileSync(path.join(folder, 'accelerator.json'), 'utf8')) as {
      verdict: { kind: string; why: string }
    }
    return kept.verdict
  } catch {
    return null
  }
}

/** The Linux kernel of the guest built last, or undefined when none has been built yet. */
export function builtKernel(cache: string): string | undefined {
  return globSync('*/koto-tiny-kernel', { cwd: cache })
    .map(name => ({ file: path.join(cache, name), at: statSync(path.join(cache, name)).mtimeMs }))
    .sort((a, b) => b.at - a.at)[0]?.file
}

function mayUse(folder: string): boolean {
  try {
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK)
    return true
  } catch {
    return false
  }
}
