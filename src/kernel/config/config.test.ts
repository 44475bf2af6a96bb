import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defineConfig, fromDevstack, fromEnvironment, mergeConfig } from '#kernel/config/config.ts'
import { nearest } from '#kernel/config/nearest.ts'
import { parseOption } from '#kernel/config/option-type.ts'

const nova = defineConfig('nova', {
  imageCacheGb: { type: 'gb', default: 10, min: 1, sentence: 'Room for images on each host, in GB.' },
  cpuRatio: { type: 'number', default: 16, sentence: 'Virtual CPUs per core.' },
  mode: { type: ['fast', 'slow'], default: 'fast', sentence: 'How.' },
  filters: { type: 'list', default: ['a', 'b'], sentence: 'Which.', devstack: 'FILTERS' },
  secret: { type: 'text', default: '', sentence: 'Never shown.', secret: true },
})

test('sources win in their order, whatever the spelling, and the result is frozen and typed', () => {
  const config = mergeConfig(
    [nova],
    [
      {
        name: 'localrc',
        values: [
          ['nova.image_cache_gb', '1T'],
          ['nova.cpuRatio', '2'],
        ],
      },
      { name: 'environment', values: [['nova.cpu-ratio', '3.5']] },
      { name: 'flag', values: [['nova.mode', 'slow']] },
    ],
  )
  const settings = config.of(nova)
  const ratio: number = settings.cpuRatio
  const mode: 'fast' | 'slow' = settings.mode
  assert.deepEqual(
    { ...settings, ratio, mode },
    { imageCacheGb: 1024, cpuRatio: 3.5, mode: 'slow', filters: ['a', 'b'], secret: '', ratio: 3.5 },
  )
  assert.throws(() => Object.assign(settings, { cpuRatio: 1 }), TypeError)
  assert.deepEqual(
    config.effective().map(row => [row.name, row.source, row.value]),
    [
      ['nova.image_cache_gb', 'localrc', 1024],
      ['nova.cpu_ratio', 'environment', 3.5],
      ['nova.mode', 'flag', 'slow'],
      ['nova.filters', 'default', ['a', 'b']],
      ['nova.secret', 'default', '***'],
    ],
  )
})

test('an unknown option names the nearest, a wrong value names its source', () => {
  const merge = (name: string, text: string, exitCode?: number): (() => unknown) => {
    const source = { name: 'flag', values: [[name, text]] as const, ...(exitCode === undefined ? {} : { exitCode }) }
    return () => mergeConfig([nova], [source])
  }
  assert.throws(merge('nova.cpu_rato', '1'), {
    message: 'flag: there is no option nova.cpu_rato; the nearest is nova.cpu_ratio.',
    exitCode: 1,
  })
  assert.throws(merge('nova.mode', 'medium', 2), {
    message: 'flag: nova.mode must be one of fast, slow, not medium.',
    exitCode: 2,
  })
  assert.throws(merge('nova.image_cache_gb', '512M'), /nova.image_cache_gb must be at least 1, not 512M/)
})

test('environment and DevStack names are found by declaration', () => {
  assert.deepEqual(fromEnvironment([nova], { KOTO_NOVA_CPU_RATIO: '4', KOTO_OTHER: 'x' }), [['nova.cpu_ratio', '4']])
  assert.deepEqual(fromDevstack([nova], { FILTERS: 'c', MODE: 'slow' }), [['nova.filters', 'c']])
})

test('texts become values', () => {
  const value = (type: Parameters<typeof parseOption>[0], text: string): unknown => {
    const parsed = parseOption(type, text)
    return parsed.ok ? parsed.value : parsed.says
  }
  assert.equal(value('bool', 'Yes'), true)
  assert.equal(value('bool', 'maybe'), 'must be true or false, not maybe')
  assert.equal(value('gb', '24G'), 24)
  assert.equal(value('gb', '10240M'), 10)
  assert.equal(value('seconds', '5m'), 300)
  assert.equal(value('seconds', '250ms'), 0.25)
  assert.equal(value('int', '1.5'), 'must be a whole number, not 1.5')
  assert.deepEqual(value('list', ' a, b,,'), ['a', 'b'])
})

test('the nearest word is the one a person meant', () => {
  const words = ['up', 'down', 'status', 'journey', 'exercise']
  assert.equal(nearest('staus', words), 'status')
  assert.equal(nearest('dwon', words), 'down')
  assert.equal(nearest('jour', words), 'journey')
  assert.equal(nearest('x'.repeat(100_000), words), 'up')
  assert.equal(nearest('x', []), null)
})
