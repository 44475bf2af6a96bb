// Why a button does not work.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { messageOf } from '#app/api/api-error.ts'
import type { Server } from '#app/api/compute.ts'
import { serverCan } from '#app/api/server-can.ts'
import { whyNotLaunch, type Launch } from '#app/forms/launch-check.ts'
import { preferredLanguage } from '#app/i18n/i18n.ts'
import { en } from '#app/i18n/en.ts'
import { ja } from '#app/i18n/ja.ts'

const server = (vmState: string, task: string | null = null, locked = false): Server => ({
  id: 's',
  name: 'web',
  status: vmState.toUpperCase(),
  created: '',
  updated: '',
  user_id: 'u',
  key_name: null,
  locked,
  image: '',
  flavor: {},
  addresses: {},
  'OS-EXT-STS:task_state': task,
  'OS-EXT-STS:vm_state': vmState,
  'OS-EXT-STS:power_state': 1,
})

void test('a server’s buttons follow its state', () => {
  assert.equal(serverCan('stop', server('active')).ok, true)
  assert.deepEqual(serverCan('start', server('active')), { ok: false, because: 'wrong-state', state: 'ACTIVE' })
  assert.deepEqual(serverCan('stop', server('active', 'powering-off')), {
    ok: false,
    because: 'busy',
    state: 'powering-off',
  })
  assert.equal(serverCan('delete', server('building', 'spawning')).ok, true)
  assert.equal(serverCan('delete', server('active', 'deleting')).ok, false)
  assert.equal(serverCan('delete', server('active', null, true)).ok, false)
  assert.equal(serverCan('delete', server('active', null, true), true).ok, true)
  assert.equal(serverCan('log', server('error', 'deleting')).ok, true)
})

const image = {
  id: 'i',
  name: 'koto-tiny',
  status: 'active',
  visibility: 'public',
  min_disk: 1,
  min_ram: 128,
  size: 1,
  disk_format: 'qcow2',
}
const limits = {
  maxTotalInstances: 10,
  totalInstancesUsed: 9,
  maxTotalCores: 4,
  totalCoresUsed: 3,
  maxTotalRAMSize: -1,
  totalRAMUsed: 9_000_000,
}
const good: Launch = {
  name: 'web',
  image,
  flavor: { id: '42', name: 'm1.nano', vcpus: 1, ram: 128, disk: 1 },
  network: 'n',
  limits,
}
const keys = (launch: Partial<Launch>): readonly string[] => whyNotLaunch({ ...good, ...launch }).map(({ key }) => key)

void test('a launch is possible, or says why not', () => {
  assert.deepEqual(keys({}), [])
  assert.deepEqual(keys({ name: ' ', image: undefined, flavor: undefined, network: '' }), [
    'name',
    'image',
    'flavor',
    'network',
  ])
  assert.deepEqual(keys({ flavor: { id: 'x', name: 'x', vcpus: 2, ram: 64, disk: 0 } }), ['ram', 'quotaCores'])
  assert.deepEqual(keys({ limits: { ...limits, totalInstancesUsed: 10 } }), ['quotaServers'])
  assert.deepEqual(keys({ limits: undefined }), [])
  assert.deepEqual(keys({ image: { ...image, status: 'queued', min_disk: 5 } }), ['imageNotReady', 'disk'])
})

void test('each service’s refusal has its sentence', () => {
  assert.equal(messageOf({ badRequest: { code: 400, message: 'a' } }), 'a')
  assert.equal(messageOf({ error: { code: 401, message: 'b', title: 'Unauthorized' } }), 'b')
  assert.equal(messageOf({ NeutronError: { type: 'x', message: 'c', detail: '' } }), 'c')
  assert.equal(messageOf({ errors: [{ status: 404, detail: 'd' }] }), 'd')
  const page = '<html><head><title>404 Not Found</title></head><body><h1>404</h1>No image</body></html>'
  assert.equal(messageOf(page), '404 No image')
  assert.equal(messageOf({}), null)
})

void test('the language is the one chosen, else the first we speak', () => {
  assert.equal(preferredLanguage(null, ['fr', 'ja-JP', 'en']), 'ja')
  assert.equal(preferredLanguage('en', ['ja']), 'en')
  assert.equal(preferredLanguage(null, ['fr']), 'en')
})

void test('both languages fill in the same words', () => {
  const holes = (value: unknown): unknown =>
    typeof value === 'string'
      ? [...value.matchAll(/\{\{\w+\}\}/g)].map(String).sort()
      : Object.fromEntries(Object.entries(value as object).map(([key, inner]) => [key, holes(inner)]))
  assert.deepEqual(holes(ja), holes(en))
})
