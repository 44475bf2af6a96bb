// Who a process is, who guests run as, and how they are launched.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { describe, it } from 'node:test'
import { chooseGuestUser, endProcess, launchVector, lives, processStatus } from '#host/qemu/process.ts'
import { systemClock } from '#kernel/lib/clock.ts'

const WHOLE = '         0          0 4294967295\n'

describe('guests’ processes', () => {
  it('are told from others by their start time', async () => {
    const child = spawn('sleep', ['60'], { stdio: 'ignore' })
    const pid = child.pid ?? 0
    const mark = { pid, startTime: (await processStatus(pid))?.startTime ?? '' }
    assert.ok(await lives(mark))
    assert.ok(!(await lives({ pid, startTime: '1' })))
    const clock = systemClock()
    const alive = setInterval(() => undefined, 100)
    assert.ok(await endProcess({ pid, startTime: '1' }, { clock }))
    assert.ok(await lives(mark), 'a stranger with the same id is left alone')
    assert.ok(await endProcess(mark, { clock, signal: 'SIGTERM' }))
    assert.ok(!(await lives(mark)))
    assert.ok(await endProcess(mark, { clock }))
    clearInterval(alive)
  })

  it('enter their folder, then give up what root has', () => {
    const folder = '/state/servers/x'
    assert.deepEqual(launchVector(['qemu', '-a'], { folder }), ['env', '--chdir=/state/servers/x', 'qemu', '-a'])
    assert.deepEqual(launchVector(['qemu'], { folder, user: { uid: 5, gid: 6, groups: [7] } }), [
      'env',
      '--chdir=/state/servers/x',
      'setpriv',
      '--reuid=5',
      '--regid=6',
      '--groups=7',
      '--no-new-privs',
      '--inh-caps=-all',
      '--bounding-set=-all',
      '--',
      'qemu',
    ])
    const own = launchVector(['qemu'], { folder, user: { uid: 5, gid: 6 }, hiddenTun: true })
    assert.deepEqual(own.slice(0, 5), ['unshare', '--mount', '--propagation', 'slave', '--'])
    assert.ok(own.includes('--clear-groups'))
  })

  it('run as nobody else does, where that can be had', () => {
    assert.equal(chooseGuestUser({ uid: 1000, uidMap: WHOLE, passwd: '' }), undefined)
    assert.deepEqual(chooseGuestUser({ uid: 0, uidMap: WHOLE, passwd: 'root:x:0:0::/root:/bin/sh\n' }), {
      uid: 27_503,
      gid: 27_503,
    })
    assert.equal(chooseGuestUser({ uid: 0, uidMap: WHOLE, passwd: 'a:x:27503:1::/:/bin/sh\n' })?.uid, 27_504)
    assert.equal(chooseGuestUser({ uid: 0, uidMap: '0 1000 1\n', passwd: '' }), undefined)
    assert.deepEqual(chooseGuestUser({ uid: 0, uidMap: WHOLE, passwd: '', kvmGid: 104 })?.groups, [104])
  })
})
