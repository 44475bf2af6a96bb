import assert from 'node:assert/strict'
import { test } from 'node:test'

import { attributeRules, inOut, input, later, once, out, question, resource } from '#kernel/contract/resource.ts'
import { ruleTable } from '#kernel/contract/rule.ts'
import { may, object } from '#kernel/contract/shape.ts'
import { bool, int, list, text } from '#kernel/contract/shapes.ts'
import { createValidator } from '#kernel/http/validation.ts'

const rules = ruleTable(['project'], {
  share: ['create_box:shared', 'role:admin', 'Share a new box'],
  reshare: ['update_box:shared', 'role:admin', 'Share a box'],
  part: ['create_box:parts:weight', 'role:admin', 'Say how heavy a part is'],
  secret: ['get_box:secret', 'role:admin', 'See the secret'],
})
const box = resource('box', 'boxes', {
  id: out(text()).filters().sorts(),
  name: inOut(text({ max: 5 }))
    .otherwise('')
    .filters()
    .sorts(),
  size: once(int({ min: 1 })),
  shared: inOut(bool).otherwise(false).setBy(rules.share, rules.reshare),
  parts: inOut(list(object({ weight: may(int()), colour: may(text()) })))
    .optional()
    .partsBy({ weight: { create: rules.part } }),
  labels: later(list(text())).optional(),
  order: input(text()).optional(),
  secret: out(text()).seenBy(rules.secret),
  like: question(text()).filters(),
})
const validator = createValidator()
const keywordOf = (shape: Parameters<typeof validator.problem>[0], value: unknown): string | undefined =>
  validator.problem(shape, value, 0)?.keyword

test('what may be sent at creation and at update', () => {
  assert.equal(keywordOf(box.create, { size: 1 }), undefined)
  assert.equal(keywordOf(box.create, {}), 'required')
  assert.equal(keywordOf(box.create, { size: 1, colour: 'red' }), 'additionalProperties')
  assert.equal(keywordOf(box.create, { size: 1, id: 'x' }), 'not', 'known, but not at creation')
  assert.equal(keywordOf(box.create, { size: 1, labels: [] }), 'not')
  assert.equal(keywordOf(box.create, { size: 1, order: 'x' }), undefined)
  assert.equal(keywordOf(box.create, { size: 1, like: 'x' }), 'additionalProperties')
  assert.equal(keywordOf(box.update, {}), undefined)
  assert.equal(keywordOf(box.update, { labels: ['a'], name: 'b' }), undefined)
  assert.equal(keywordOf(box.update, { size: 2 }), 'false schema', 'known, but not to be changed')
  assert.deepEqual(box.create.raise?.({ size: 1 }, 0), { size: 1, name: '', shared: false })
})
test('one or several', () => {
  assert.equal(keywordOf(box.createBody, { box: { size: 1 } }), undefined)
  assert.equal(keywordOf(box.createBody, { boxes: [{ size: 1 }, { size: 0 }] }), 'minimum')
  assert.equal(keywordOf(box.createBody, { boxes: [] }), 'minItems')
  assert.deepEqual(box.createBody.raise?.({ boxes: [{ size: 1 }] }, 0), {
    boxes: [{ size: 1, name: '', shared: false }],
  })
})
test('what is shown, filtered and sorted by', () => {
  assert.deepEqual(Object.keys(box.view.fields ?? {}), ['id', 'name', 'size', 'shared', 'parts', 'labels', 'secret'])
  assert.equal(box.view.fields?.['secret']?.visibleTo, rules.secret)
  assert.deepEqual(
    [[...box.filters], [...box.sorts]],
    [
      ['id', 'name', 'like'],
      ['id', 'name'],
    ],
  )
})
test('the rules that a body asks for', () => {
  const asked = (body: Record<string, unknown>, by: 'create' | 'update'): string[] =>
    attributeRules(box, body, by).map(one => one.rule.name)
  assert.deepEqual(asked({ size: 1, name: '', shared: false }, 'create'), [], 'a default asks for nothing')
  assert.deepEqual(asked({ shared: true, parts: [{ colour: 'red' }, { weight: 3 }] }, 'create'), [
    'create_box:shared',
    'create_box:parts:weight',
  ])
  assert.deepEqual(
    asked({ shared: false }, 'update'),
    ['update_box:shared'],
    'at update what is given counts, whatever it is',
  )
})
