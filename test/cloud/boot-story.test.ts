// The book's boot: 28 steps in ascending order, with the task states of its table, on a cloud with two hosts; and nothing left at the end.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { STEP_TITLES } from '#kernel/crossing/story.ts'
import { createCloud } from '#main/library.ts'
import { active, boot, removed, sound } from './story.ts'

const BOOK = Array.from({ length: 28 }, (_, index) => index + 1)
const TASKS = ['scheduling', 'networking', 'block_device_mapping', 'spawning']

test('a boot has the 28 steps of the book, in order, and leaves nothing when it is deleted', async () => {
  await using cloud = await createCloud({ hypervisor: 'simulated', network: 'simulated', hosts: 1 })
  const demo = await cloud.as('demo')
  const id = await boot(demo, { networks: ['private', 'shared'] })
  const server = await active(demo, id)
  assert.deepEqual(Object.keys(server.addresses).sort(), ['private', 'shared'])

  const rows = (await cloud.control.journey(id, 'today')) ?? []
  const first = BOOK.map(step => rows.findIndex(row => row.step === step))
  const missing = BOOK.filter((_step, index) => first[index] === -1)
  assert.deepEqual(
    missing.map(step => `${step} ${STEP_TITLES[step - 1] ?? ''}`),
    [],
    'steps that are not in the journey',
  )
  assert.deepEqual(
    first,
    first.toSorted((a, b) => a - b),
    'first occurrences ascend',
  )
  assert.deepEqual(
    rows.map(row => row.at_ms),
    rows.map(row => row.at_ms).toSorted((a, b) => a - b),
    'lines are in order of time',
  )
  const tasks = rows.map(row => row.task).filter((task, index, all) => task !== null && task !== all[index - 1])
  assert.deepEqual(tasks, TASKS)
  assert.equal(rows.find(row => row.step === 7)?.status, 'BUILD')
  assert.equal(rows.at(-1)?.status, 'ACTIVE')

  const book = (await cloud.control.journey(id, 'book')) ?? []
  assert.deepEqual(
    book.map(row => row.step),
    BOOK,
  )
  assert.equal((await cloud.control.journey('one', 'today'))?.length, rows.length, 'by name as by id')
  assert.equal(await cloud.control.journey('nobody', 'today'), null)

  await sound(cloud)
  await removed(demo, id)
  await sound(cloud)
  assert.ok(((await cloud.control.journey(id, 'book')) ?? []).length === 28, 'the story outlives the server')
})
