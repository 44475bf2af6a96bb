import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { createServer } from 'node:http'
import { test } from 'node:test'
import { createExec } from '#host/node/exec.ts'
import { openDoorInside } from '#main/control/door-inside.ts'

const able = process.getuid?.() === 0 && spawnSync('unshare', ['-n', 'true']).status === 0
const skip = able ? false : 'needs root and network namespaces'

test('the front door answers inside a namespace at its own URL, until it is closed', { skip }, async () => {
  const holder = spawn('unshare', ['-n', 'sh', '-c', 'ip link set lo up && echo up && exec sleep 60'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await new Promise(resolve => holder.stdout.once('data', resolve))
  const server = createServer((_request, response) => response.end('x'.repeat(200_000)))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const door = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/`
  const prefix = ['nsenter', '-t', String(holder.pid), '-n', '--']
  const exec = createExec(prefix)
  const ask = (): Promise<{ stdout: string; code: number }> =>
    exec.run(
      [
        process.execPath,
        '-e',
        `fetch('${door}').then(r => r.text()).then(t => console.log(t.length), () => process.exit(9))`,
      ],
      { anyCode: true },
    )
  try {
    assert.equal((await ask()).code, 9)
    const inside = await openDoorInside(prefix, door, createExec())
    assert.equal((await ask()).stdout, '200000\n')
    inside.close()
    assert.equal((await ask()).code, 9)
  } finally {
    server.close()
    holder.kill('SIGKILL')
  }
})
