import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemClock } from '#kernel/lib/clock.ts'
import { createExec, type Exec } from '#host/node/exec.ts'
import { probeNetwork } from '#host/linux/probe.ts'

const root = process.getuid?.() === 0
const common = { exec: createExec(), clock: systemClock(), root }

test('the deep probe tries each part of the kernel and leaves nothing', async () => {
  const probe = await probeNetwork({ ...common, deep: true })
  for (const finding of probe.findings) assert.match(finding.says, /^[A-Z/].*\.$/, finding.name)
  assert.equal(
    probe.usable,
    probe.findings.every(finding => finding.ok || !finding.needed),
  )
  if (probe.usable) assert.ok(probe.findings.some(finding => finding.name === 'vxlan'))
})

test('where namespaces are refused the probe says so, and nothing is tried further', async () => {
  const refusing: Exec = {
    ...common.exec,
    run: () => Promise.resolve({ code: 1, stdout: '', stderr: 'unshare: unshare failed: Operation not permitted\n' }),
  }
  const probe = await probeNetwork({ ...common, exec: refusing, deep: true })
  assert.equal(probe.usable, false)
  const finding = probe.findings.find(one => one.name.endsWith('namespaces'))
  assert.equal(finding?.ok, false)
  assert.match(finding?.says ?? '', /simulated\.$/)
})
