// The version that stands in package.json.
import { readFileSync } from 'node:fs'

/** e.g. `0.1.0`. */
export function version(): string {
  const text = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
