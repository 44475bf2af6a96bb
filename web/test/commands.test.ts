// A call as a command: right, quoted, and without secrets.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Call } from '#app/api/client.ts'
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

void test('storage and networks as openstack commands', () => {
  const say = (
    service: 'image' | 'volume' | 'compute' | 'network',
    method: Call['method'],
    path: string,
    body?: unknown,
  ) => openstackFor({ service, method, path, body })
  assert.equal(
    say('volume', 'POST', '/p1/volumes', { volume: { name: "a'b", size: 2, imageRef: 'i1' } }),
    String.raw`openstack volume create --size 2 --image i1 -- 'a'\''b'`,
  )
  assert.equal(
    say('volume', 'POST', '/p1/volumes/v1/action', { 'os-extend': { new_size: 3 } }),
    'openstack volume set --size 3 v1',
  )
  assert.equal(
    say('compute', 'POST', '/servers/s1/os-volume_attachments', { volumeAttachment: { volumeId: 'v1' } }),
    'openstack server add volume s1 v1',
  )
  assert.equal(say('compute', 'DELETE', '/servers/s1/os-volume_attachments/v1'), 'openstack server remove volume s1 v1')
  assert.equal(
    say('network', 'PUT', '/floatingips/f1', { floatingip: { port_id: null } }),
    'openstack floating ip unset --port f1',
  )
  const rule = {
    security_group_id: 'g1',
    direction: 'ingress',
    ethertype: 'IPv4',
    protocol: 'tcp',
    port_range_min: 22,
    port_range_max: 22,
    remote_ip_prefix: '0.0.0.0/0',
  }
  assert.equal(
    say('network', 'POST', '/security-group-rules', { security_group_rule: rule }),
    'openstack security group rule create --ingress --ethertype IPv4 --protocol tcp --remote-ip 0.0.0.0/0 --dst-port 22:22 g1',
  )
  const upload = curlFor({ service: 'image', method: 'PUT', path: '/images/i1/file' }, 'http://cloud')
  assert.match(upload, /--data-binary @FILE/)
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
