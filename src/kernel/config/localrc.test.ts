import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseLocalrc, withFullNames } from '#kernel/config/localrc.ts'

const read = (text: string, outer: Record<string, string> = {}): ReturnType<typeof parseLocalrc> =>
  parseLocalrc(text, 'localrc', outer)

test('assignments as DevStack files have them', () => {
  const { variables } = read(
    [
      '# a comment',
      'ADMIN_PASSWORD=secret # why',
      'export DATABASE_PASSWORD=$ADMIN_PASSWORD',
      'RABBIT_PASSWORD="${ADMIN_PASSWORD}-r b"',
      "SERVICE_PASSWORD='$ADMIN_PASSWORD'",
      'HOST_IP=${HOST_IP:-127.0.0.1}',
      'FLOATING_RANGE=172.24.5.0/24',
      'HOME_OF=$HOME/x',
      'LIST=a',
      'LIST+=,b',
      'LONG=one\\',
      'two',
      'HASH=a#b',
      'EMPTY=',
      'QUOTED="a \\"b\\" \\$c"',
      'JOINED=a"b"\'c\'',
    ].join('\n'),
    { HOME: '/home/u' },
  )
  assert.deepEqual(Object.fromEntries(variables), {
    ADMIN_PASSWORD: 'secret',
    DATABASE_PASSWORD: 'secret',
    RABBIT_PASSWORD: 'secret-r b',
    SERVICE_PASSWORD: '$ADMIN_PASSWORD',
    HOST_IP: '127.0.0.1',
    FLOATING_RANGE: '172.24.5.0/24',
    HOME_OF: '/home/u/x',
    LIST: 'a,b',
    LONG: 'onetwo',
    HASH: 'a#b',
    EMPTY: '',
    QUOTED: 'a "b" $c',
    JOINED: 'abc',
  })
})

test('services are turned on and off, the later line winning', () => {
  const { enabled, disabled } = read(
    'disable_service n-novnc c-api,c-vol\nenable_service c-vol\nENABLED_SERVICES+=,horizon,-tempest\n',
  )
  assert.deepEqual([...enabled], ['c-vol', 'horizon'])
  assert.deepEqual([...disabled], ['n-novnc', 'c-api', 'tempest'])
  assert.deepEqual([...withFullNames(['c-api'])], ['c-api', 'cinder'])
})

test('local.conf: the local section, and options of our services', () => {
  const { variables, settings, ignored } = read(
    '[[local|localrc]]\nA=1\n[[post-config|$NOVA_CONF]]\n[DEFAULT]\ncpu_ratio = 2.0\n[[post-config|/etc/swift/swift.conf]]\n[DEFAULT]\nx=1\n',
  )
  assert.deepEqual([...variables], [['A', '1']])
  assert.deepEqual(settings, [['nova.cpu_ratio', '2.0']])
  assert.deepEqual(ignored, ['localrc line 8: x is for a program that Koto does not have.'])
})

test('what needs a shell is refused with its line', () => {
  const refusal = (text: string): unknown => {
    try {
      read(text)
      return null
    } catch (error) {
      return (error as Error).message
    }
  }
  assert.equal(
    refusal('A=1\nB=$(date)'),
    'localrc line 2: commands inside a value are not carried out; write the value itself.',
  )
  assert.equal(
    refusal('A=`id`'),
    'localrc line 1: commands inside a value are not carried out; write the value itself.',
  )
  assert.equal(
    refusal('\n\nif true; then'),
    'localrc line 3: only NAME=value, enable_service and disable_service are understood, not: if true; then',
  )
  assert.equal(refusal('A=b c'), 'localrc line 1: a value with blanks needs quotes.')
  assert.equal(refusal('A="b'), 'localrc line 1: a quote is opened and never closed.')
  assert.equal(refusal('A=1;rm'), 'localrc line 1: «;» is for a shell; put the value in quotes.')
  assert.equal(refusal('A=${B#x}'), 'localrc line 1: of ${…} only ${NAME} and ${NAME:-else} are understood.')
  assert.deepEqual(read('enable_plugin x https://y').ignored, [
    'localrc line 1: enable_plugin is left out; Koto carries out no shell and fetches no plugins.',
  ])
})
