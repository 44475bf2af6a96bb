// A call as a command: right, quoted, and without secrets.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { curlFor, openstackFor, quote } from '#app/api/command.ts'
import { createServerCall } from '#app/api/compute.ts'

const wanted = {
  name: "it's; rm -rf",
  imageId: 'img',
  flavorId: '42',
  network: 'net',
  keyName: 'koto',
  securityGroups: ['web'],
}

void test('launching as an openstack command', () => {
  assert.equal(
    openstackFor(createServerCall(wanted))?.replaceAll(' \\\n ', ''),
    String.raw`openstack server create --image img --flavor 42 --network net --key-name koto --security-group web -- 'it'\''s; rm -rf'`,
  )
  assert.match(openstackFor(createServerCall({ ...wanted, network: 'none' })) ?? '', /--no-network/)
})

void test('actions as openstack commands', () => {
  const act = (body: unknown): string | null =>
    openstackFor({ service: 'compute', method: 'POST', path: '/servers/s1/action', body })
  assert.equal(act({ 'os-start': null }), 'openstack server start s1')
  assert.equal(act({ reboot: { type: 'HARD' } }), 'openstack server reboot --hard s1')
  assert.equal(act({ 'os-getConsoleOutput': { length: 50 } }), 'openstack console log show --lines 50 s1')
  assert.equal(act({ evacuate: {} }), null)
  const journey = openstackFor({ service: 'koto', method: 'GET', path: '/journey/s1/events' })
  assert.equal(journey, 'koto journey s1 --json --follow')
})

void test('curl shows variables where secrets were', () => {
  const user = { name: 'demo', domain: { name: 'Default' }, password: 'opensesame' }
  const text = curlFor(
    {
      service: 'identity',
      method: 'POST',
      path: '/auth/tokens',
      token: null,
      body: { auth: { identity: { methods: ['password'], password: { user } } } },
    },
    'http://cloud',
  )
  assert.doesNotMatch(text, /opensesame|X-Auth-Token/)
  assert.match(text, /"password":"'"\$OS_PASSWORD"'"/)
  const list = curlFor({ service: 'compute', method: 'GET', path: '/servers/detail' }, 'http://cloud')
  assert.match(list, /-H "X-Auth-Token: \$OS_TOKEN"/)
  assert.match(list, /http:\/\/cloud\/compute\/v2\.1\/servers\/detail$/)
})

void test('words are quoted where a shell would see more than a word', () => {
  assert.equal(quote('plain-1.2'), 'plain-1.2')
  assert.equal(quote('$(x)'), "'$(x)'")
  assert.equal(quote(''), "''")
})
