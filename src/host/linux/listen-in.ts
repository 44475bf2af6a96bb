// A listening socket in another network namespace, owned by this process: a short-lived child opens it there and hands it over.
import { spawn } from 'node:child_process'
import type { Server } from 'node:net'

/** Where to listen, inside the namespace. */
export interface ListenWhere {
  readonly host: string
  readonly port: number
}

// Runs in the child, as plain old JavaScript: listen, pass the handle on, leave.
const CHILD = `
const server = require('node:net').createServer()
const say = (message, handle) => process.send(message, handle, () => { if (handle) server.close(); process.disconnect() })
server.on('error', error => say({ error: error.code || error.message }))
server.listen({ host: process.argv[1], port: Number(process.argv[2]), ipv6Only: process.argv[1] !== '::' ? undefined : false }, () => say({ ok: true }, server))
`

/**
 * Listens at `where` behind `prefix` (an `enterArgv` of the fabric). The server's connections are accepted by this process for as
 * long as it lives; no other process stays. Throws with the reason when the address cannot be bound.
 */
export function listenIn(prefix: readonly string[], where: ListenWhere): Promise<Server> {
  const argv = [...prefix, process.execPath, '-e', CHILD, where.host, String(where.port)]
  return new Promise((resolve, reject) => {
    const { NODE_OPTIONS: _options, ...env } = process.env
    const child = spawn(argv[0] ?? '', argv.slice(1), { stdio: ['ignore', 'ignore', 'pipe', 'ipc'], env })
    let said = ''
    let settled = false
    const fail = (why: string): void => {
      if (settled) return
      settled = true
      reject(new Error(`cannot listen at ${where.host} port ${where.port} in the namespace: ${why}`))
    }
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (said += text))
    child.on('error', error => fail(error.message))
    child.on('close', code => fail(said.trim().slice(-300) || `the child ended with ${code}`))
    child.on('message', (message: { ok?: boolean; error?: string }, handle) => {
      if (message.ok !== true || handle === undefined) return fail(message.error ?? 'no handle came')
      settled = true
      resolve(handle as Server)
    })
  })
}
