// From a distribution's bzImage to the kernel itself, and from its hundreds of modules to the few a small guest loads.
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { promisify } from 'node:util'
import { gunzip, zstdDecompress } from 'node:zlib'
import { hasPvhEntry, moduleInfo, withoutSignature } from '#host/guest/elf.ts'
import type { Exec } from '#host/node/exec.ts'

const LZ4_LEGACY = 0x184c2102

/**
 * The uncompressed kernel inside a bzImage, if QEMU can start it as it is (PVH): two and a half CPU seconds less under emulation.
 * Nothing when its compression is not known or it has no PVH entry; the bzImage boots too.
 */
export async function unpackKernel(bzImage: Buffer): Promise<Buffer | undefined> {
  if (bzImage.length < 1024 || bzImage.toString('latin1', 0x202, 0x206) !== 'HdrS') return undefined
  const start = (((bzImage[0x1f1] ?? 0) || 4) + 1) * 512 + bzImage.readUInt32LE(0x248)
  const payload = bzImage.subarray(start, start + bzImage.readUInt32LE(0x24c))
  const kernel = await decompress(payload).catch(() => undefined)
  if (kernel === undefined || kernel.length < 1024 || kernel.toString('latin1', 1, 4) !== 'ELF') return undefined
  return hasPvhEntry(kernel) ? kernel : undefined
}

/** Kernel builds append the uncompressed size (4 bytes) to every payload. */
async function decompress(payload: Buffer): Promise<Buffer | undefined> {
  const magic = payload.readUInt32LE(0)
  const body = payload.subarray(0, -4)
  if (magic === LZ4_LEGACY) return unpackLz4(body, payload.readUInt32LE(payload.length - 4))
  if (magic === 0xfd2fb528) return promisify(zstdDecompress)(body)
  if ((magic & 0xffff) === 0x8b1f) return promisify(gunzip)(body)
  return undefined
}

/**
 * LZ4's legacy frame: blocks of 8 MiB, each behind its length. `size` is the whole length in bytes.
 * Throws `Error` on damaged data. Lets other work run between blocks.
 */
export async function unpackLz4(input: Buffer, size: number): Promise<Buffer> {
  const output = Buffer.alloc(size)
  let written = 0
  for (let at = 4; at + 4 <= input.length;) {
    const length = input.readUInt32LE(at)
    if (length === LZ4_LEGACY) at += 4
    else {
      written = unpackBlock(input.subarray(at + 4, at + 4 + length), output, written)
      at += 4 + length
      await setImmediate()
    }
  }
  if (written !== size) throw new Error('the LZ4 data have another length than they say')
  return output
}

function unpackBlock(input: Buffer, output: Buffer, start: number): number {
  let from = 0
  let to = start
  const more = (length: number): number => {
    let total = length
    for (let byte = 255; byte === 255;) {
      byte = input[from++] ?? 0
      total += byte
    }
    return total
  }
  while (from < input.length) {
    const token = input[from++] ?? 0
    const literals = token >> 4 === 15 ? more(15) : token >> 4
    if (from + literals > input.length || to + literals > output.length) throw new Error('damaged LZ4 data')
    input.copy(output, to, from, from + literals)
    from += literals
    to += literals
    if (from >= input.length) break
    const distance = (input[from] ?? 0) | ((input[from + 1] ?? 0) << 8)
    from += 2
    const length = ((token & 15) === 15 ? more(15) : token & 15) + 4
    if (distance === 0 || distance > to - start || to + length > output.length) throw new Error('damaged LZ4 data')
    if (distance >= length) {
      output.copyWithin(to, to - distance, to - distance + length)
      to += length
    } else for (let end = to + length; to < end; to += 1) output[to] = output[to - distance] ?? 0
  }
  return to
}

/** A kernel module, ready to be written into the guest. Names with `_`, as the kernel spells them. */
export interface KernelModule {
  readonly name: string
  readonly bytes: Buffer
  readonly aliases: readonly string[]
  readonly depends: readonly string[]
}

/**
 * The wanted modules and all they need, each after what it needs. A name that is not there is built in, or left out.
 * `folder` is `/lib/modules/<version>`; compressed modules (.xz, .zst, .gz) are opened.
 */
export async function collectModules(folder: string, wanted: readonly string[], exec: Exec): Promise<KernelModule[]> {
  const files = new Map<string, string>()
  for (const path of await readdir(join(folder, 'kernel'), { recursive: true })) {
    const match = /([^/]+)\.ko(?:\.(?:xz|zst|gz))?$/.exec(path)
    if (match?.[1] !== undefined) files.set(match[1].replaceAll('-', '_'), join(folder, 'kernel', path))
  }
  const done = new Map<string, KernelModule>()
  const add = async (name: string): Promise<void> => {
    const path = files.get(name)
    if (path === undefined || done.has(name)) return
    const bytes = withoutSignature(await readModule(path, exec))
    const { depends, aliases } = moduleInfo(bytes)
    const names = depends.map(each => each.replaceAll('-', '_'))
    for (const each of names) await add(each)
    done.set(name, { name, bytes, aliases, depends: names.filter(each => files.has(each)) })
  }
  for (const name of wanted) await add(name.replaceAll('-', '_'))
  return [...done.values()]
}

async function readModule(path: string, exec: Exec): Promise<Buffer> {
  const raw = await readFile(path)
  if (path.endsWith('.zst')) return promisify(zstdDecompress)(raw)
  if (path.endsWith('.gz')) return promisify(gunzip)(raw)
  if (!path.endsWith('.xz')) return raw
  const folder = await mkdtemp(join(tmpdir(), 'koto-module-'))
  try {
    await writeFile(join(folder, 'module.xz'), raw)
    await exec.run(['xz', '-d', join(folder, 'module.xz')])
    return await readFile(join(folder, 'module'))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** modules.dep for `modprobe`: each file, then what it needs, the deepest last. */
export function dependencyLines(modules: readonly KernelModule[]): string {
  const byName = new Map(modules.map(each => [each.name, each]))
  const needs = (module: KernelModule, seen = new Set<string>()): Set<string> => {
    for (const name of module.depends) {
      const next = byName.get(name)
      if (next === undefined) continue
      seen.delete(name)
      seen.add(name)
      needs(next, seen)
    }
    return seen
  }
  return (
    modules.map(each => [`${each.name}.ko:`, ...[...needs(each)].map(name => `${name}.ko`)].join(' ')).join('\n') + '\n'
  )
}

/** modules.alias for `modprobe`. */
export function aliasLines(modules: readonly KernelModule[]): string {
  return modules.flatMap(({ name, aliases }) => aliases.map(alias => `alias ${alias} ${name}\n`)).join('')
}
