// How results of Tempest are read.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readList, readResults, reportOf } from '../conformance/tempest.ts'

const PRINTED = `{1} a.b.Flavors.test_list [0.069165s] ... ok
{0} a.b.Images.test_create[id-1,smoke] [0.03s] ... FAILED

Captured traceback:
~~~~~~~~~~~~~~~~~~~
    Traceback (most recent call last):

    tempest.lib.exceptions.NotImplemented: nothing here
Details: not built


Captured pythonlogging:
~~~~~~~~~~~~~~~~~~~~~~~
    2026 INFO Error in a log line
{0} a.b.Servers.test_ssh ... SKIPPED: validation is off
{1} setUpClass (a.b.Backups) [0.000000s] ... SKIPPED: no backups
{1} setUpClass (a.b.Lists) [0.100000s] ... FAILED

Captured traceback:
    ValueError: broken
`

test('each test asked for has a verdict; its class speaks for it when it could not begin', () => {
  const ids = ['a.b.Flavors.test_list', 'a.b.Images.test_create', 'a.b.Servers.test_ssh', 'a.b.Backups.test_x']
  const outcomes = readResults(PRINTED, [...ids, 'a.b.Lists.test_y', 'a.b.Gone.test_z'])
  assert.deepEqual(
    [...outcomes.values()].map(one => [one.verdict, one.why]),
    [
      ['passed', ''],
      ['failed', 'Details: not built'],
      ['skipped', 'validation is off'],
      ['skipped', 'no backups'],
      ['failed', 'ValueError: broken'],
      ['failed', 'it did not run'],
    ],
  )
  assert.match(
    reportOf('/x/lists/some.txt', 61.2, outcomes, 'fine'),
    /1 passed, 3 failed, 2 skipped in 61 s\. Afterwards: fine/,
  )
})

test('a list may have comments and tags', () => {
  assert.deepEqual(readList('# all\na.b.c[id-1,smoke]\n\n  d.e # why\n'), ['a.b.c', 'd.e'])
})
