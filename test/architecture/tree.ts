// The files that the judge reads: what git would keep of src, web/app, bin and test, from the disk as it is now.
import { readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'

const ROOMS = ['src', 'web/app', 'test', 'bin']
const LEFT_OUT = new Set(['node_modules', 'dist', 'fixtures'])

/** Path below `root`, with slashes → text. */
export function readTree(root: string): Map<string, string> {
  const files = new Map<string, string>()
  const walk = (dir: string): void => {
    for (const entry of readdirSync(path.join(root, dir), { withFileTypes: true })) {
      const name = `${dir}/${entry.name}`
      if (entry.isDirectory()) {
        if (!LEFT_OUT.has(entry.name)) walk(name)
      } else if (entry.isFile()) files.set(name, readFileSync(path.join(root, name), 'utf8'))
    }
  }
  for (const room of ROOMS) walk(room)
  return files
}
