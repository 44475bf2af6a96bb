// Config drives with the real ISO writer, read back by its label and its names.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { makeIso } from '#host/block/iso.ts'
import { createExec } from '#host/node/exec.ts'
import { createConfigDrives } from '#services/nova/drivers/config-drive.ts'

const folder = mkdtempSync(join(tmpdir(), 'koto-config-drive-'))
after(() => rmSync(folder, { recursive: true, force: true }))
const skip = !existsSync('/usr/bin/genisoimage') && 'genisoimage is not installed'

describe('config drives', { skip }, () => {
  const drives = createConfigDrives({ folder, makeIso: request => makeIso({ exec: createExec(), ...request }) })
  const serverId = crypto.randomUUID()

  it('writes a drive a guest can find, and replaces it', async () => {
    await drives.write(serverId, { 'openstack/latest/meta_data.json': '{"uuid":"old"}' })
    const path = await drives.write(serverId, {
      'openstack/latest/meta_data.json': '{"uuid":"new"}',
      'openstack/latest/user_data': '#!/bin/sh\n',
      'ec2/latest/meta-data.json': '{}',
    })
    const image = readFileSync(path)
    assert.equal(image.toString('latin1', 0x8028, 0x8028 + 8), 'config-2')
    const names = execFileSync('isoinfo', ['-R', '-f', '-i', path], { encoding: 'utf8' })
    for (const name of [
      '/openstack/latest/meta_data.json',
      '/openstack/latest/user_data',
      '/ec2/latest/meta-data.json',
    ]) {
      assert.ok(names.includes(name), names)
    }
    assert.ok(image.includes('{"uuid":"new"}'))
    assert.equal(statSync(path).mode & 0o777, 0o600)
    assert.deepEqual(readdirSync(folder), [`${serverId}.iso`])
  })

  it('leaves nothing of a drive that cannot be written', async () => {
    await assert.rejects(drives.write(crypto.randomUUID(), { '../x': '' }))
    assert.deepEqual(readdirSync(folder), [`${serverId}.iso`])
    await drives.remove(serverId)
    await drives.remove(serverId)
    assert.deepEqual(readdirSync(folder), [])
  })
})
