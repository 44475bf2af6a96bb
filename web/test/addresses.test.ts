// Addresses that others may have written: where to go after signing in, where a console connects to.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { consoleToken, websocketUrl } from '#app/api/console-url.ts'
import { safePath } from '#app/api/safe-path.ts'

const HERE = 'http://127.0.0.1:8080'

void test('only a path of this origin is gone to', () => {
  for (const good of ['/', '/servers', '/servers/1?tab=journey#x']) assert.equal(safePath(good, HERE), good)
  const bad = [
    '//elsewhere.example',
    '/\\elsewhere.example',
    '/\t/elsewhere.example',
    '/.//elsewhere.example',
    'https://elsewhere.example',
    'javascript:alert(1)',
    'servers',
    '/sign-in?to=/sign-in',
    undefined,
    7,
  ]
  for (const path of bad) assert.equal(safePath(path, HERE), '/', String(path))
})

void test('a console’s token is found in both forms of its address', () => {
  assert.equal(consoleToken('http://h:6080/console/vnc?token=a-b'), 'a-b')
  assert.equal(consoleToken('http://h:6080/vnc_auto.html?path=%3Ftoken%3Da-b'), 'a-b')
  assert.equal(consoleToken('?token=12345e6'), '12345e6')
  assert.equal(consoleToken('http://h/console/vnc'), null)
  assert.equal(consoleToken('?token='), null)
})

void test('the websocket is on the page’s own origin', () => {
  assert.equal(websocketUrl('a&b', HERE), 'ws://127.0.0.1:8080/console/websockify?token=a%26b')
  assert.equal(websocketUrl('t', 'https://cloud'), 'wss://cloud/console/websockify?token=t')
})
