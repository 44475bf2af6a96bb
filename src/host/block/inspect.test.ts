import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createInspector, inspect, type Inspection } from '#host/block/inspect.ts'
import { hostile, sample, type Sample } from '#host/block/inspect-samples-for-tests.ts'

const words = (result: Inspection): string => result.problems.map(each => each.check).join()

/** The same image, in pieces of `size` bytes. */
function streamed(image: Sample, declared: string, size: number): Inspection {
  const inspector = createInspector(declared)
  for (let offset = 0; offset < image.bytes.length; offset += size) {
    const verdict = inspector.eat(image.bytes.subarray(offset, offset + size))
    if (verdict !== undefined && verdict.problems.length > 0) return verdict
  }
  return inspector.end()
}

for (const [name, image] of Object.entries(sample)) {
  void test(`accepts ${name}`, () => {
    const result = inspect(image.bytes, { declaredFormat: image.declared })
    assert.deepEqual(result.problems, [])
    assert.equal(result.virtualSize, image.virtualSize)
    for (const size of [1000, 65_536, 5_000_000])
      assert.deepEqual(streamed(image, image.declared, size), result, `in pieces of ${size}`)
  })

  void test(`${name} is nothing else`, () => {
    const raw = ['raw', 'aki', 'ari', 'ami', 'gpt']
    for (const declared of [
      'raw',
      'qcow2',
      'vmdk',
      'vdi',
      'vhd',
      'vhdx',
      'iso',
      'ploop',
      'aki',
      'qed',
      'luks',
      '../x',
      '',
    ]) {
      if (declared === image.declared || (raw.includes(declared) && raw.includes(image.declared))) continue
      assert.match(words(inspect(image.bytes, { declaredFormat: declared })), /mismatch/, declared)
    }
  })
}

for (const [name, { image, check }] of Object.entries(hostile)) {
  void test(`refuses ${name}`, () => {
    const result = inspect(image.bytes, { declaredFormat: image.declared })
    assert.ok(
      result.problems.some(each => each.check === check),
      `${check} expected, got ${words(result)}`,
    )
    for (const size of [333, 65_536, 5_000_000])
      assert.ok(streamed(image, image.declared, size).problems.length > 0, `in pieces of ${size}`)
  })
}

void test('a stream is refused as soon as the header shows it, not at its end', () => {
  const { image } = hostile['qcow2 with a backing file'] ?? assert.fail()
  const inspector = createInspector('qcow2')
  assert.equal(inspector.eat(image.bytes.subarray(0, 10_000)), undefined)
  assert.equal(words(inspector.eat(image.bytes.subarray(10_000, 65_536)) ?? assert.fail()), 'backing_file')
})

void test('an empty image and one byte are raw, and not qcow2', () => {
  for (const bytes of [new Uint8Array(0), new Uint8Array(1)]) {
    assert.deepEqual(inspect(bytes, { declaredFormat: 'raw' }).problems, [])
    assert.equal(words(inspect(bytes, { declaredFormat: 'qcow2' })), 'mismatch')
  }
})

void test('in a container other than bare unmarked bytes may be called anything, marked ones not', () => {
  const unmarked = new Uint8Array(2000).fill(7)
  assert.deepEqual(inspect(unmarked, { declaredFormat: 'vmdk', wrapped: true }).problems, [])
  assert.equal(words(inspect(unmarked, { declaredFormat: 'vmdk' })), 'mismatch')
  for (const { image, check } of Object.values(hostile))
    if (check !== 'mismatch')
      assert.ok(inspect(image.bytes, { declaredFormat: image.declared, wrapped: true }).problems.length > 0, check)
})

void test('cut anywhere, every sample is refused or accepted, never a crash', () => {
  for (const image of Object.values(sample))
    for (const length of [4, 60, 72, 100, 104, 512, 513, 1000, 32_773, 65_600, 200_000, 1_048_577]) {
      const cut = image.bytes.subarray(0, length)
      if (cut.length === image.bytes.length || image.declared === 'raw') continue
      const result = inspect(cut, { declaredFormat: image.declared })
      assert.equal(typeof result.format, 'string')
    }
})

void test('stream-optimized VMDK only where allowed', () => {
  const { image } = hostile['vmdk with its directory in a footer'] ?? assert.fail()
  const result = inspect(image.bytes, { declaredFormat: 'vmdk', vmdkTypes: ['monolithicSparse', 'streamOptimized'] })
  assert.deepEqual(result.problems, [])
  const changed = image.bytes.slice()
  new DataView(changed.buffer).setBigUint64(changed.length - 1024 + 12, 0n, true)
  const refused = inspect(changed, { declaredFormat: 'vmdk', vmdkTypes: ['monolithicSparse', 'streamOptimized'] })
  assert.equal(words(refused), 'footer')
})
