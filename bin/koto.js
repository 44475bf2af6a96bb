#!/usr/bin/env node
// The door of the program: plain old JavaScript, so that any Node can read it. Checks the Node, then starts sources or dist.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import * as nodeModule from 'node:module'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const [major, minor] = process.versions.node.split('.').map(Number)
const newEnough = major > 24 || (major === 24 && minor >= 15)
const sources = existsSync(path.join(root, 'src/main/cli/cli.ts'))
const asSources = process.execArgv.some(word => word.startsWith('--conditions=koto-source'))

if (!newEnough || (sources && !asSources)) {
  const pinned = ['x64', 'arm64']
    .map(arch => path.join(root, `node_modules/node-linux-${arch}/bin/node`))
    .find(file => existsSync(file))
  const node = newEnough ? process.execPath : pinned
  if (node === undefined) {
    process.stderr.write(
      `koto: needs Node 24.15 or newer and this is ${process.version}; start it with ./koto, which brings its own.\n`,
    )
    process.exit(1)
  }
  const { status, signal } = spawnSync(
    node,
    [...(sources ? ['--conditions=koto-source'] : []), ...process.argv.slice(1)],
    { stdio: 'inherit' },
  )
  process.exit(status ?? (signal === null ? 1 : 130))
} else {
  // What was set for this process only is not for the programs it starts.
  for (const name of (process.env.KOTO_TUNED ?? '').split(' ')) if (name !== '') delete process.env[name]
  delete process.env.KOTO_TUNED
  // Compiled code is kept, so that the next start neither strips nor parses.
  if (process.env.NODE_COMPILE_CACHE === undefined)
    nodeModule.enableCompileCache(path.join(root, 'node_modules/.cache/koto/compiled'))
  const folder = pathToFileURL(path.join(root, sources ? 'src/' : 'dist/')).href
  // Our own imports name their files. Node would look for a package.json in every folder above, for each of thousands of imports.
  if (sources && nodeModule.registerHooks !== undefined) {
    nodeModule.registerHooks({
      resolve: (name, context, next) =>
        name.startsWith('#') && name.endsWith('.ts')
          ? { url: folder + name.slice(1), format: 'module-typescript', shortCircuit: true }
          : next(name, context),
    })
  }
  const suffix = sources ? 'ts' : 'js'
  if (process.argv[2] === '--daemon') await import(`${folder}main/cli/daemon.${suffix}`)
  else {
    const { runCli } = await import(`${folder}main/cli/cli.${suffix}`)
    process.exitCode = await runCli(process.argv.slice(2))
  }
}
