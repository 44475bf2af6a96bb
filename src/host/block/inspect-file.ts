// The image gate for a file that lies on this machine: reads only the pieces the inspection asks for.
import { open } from 'node:fs/promises'
import { createInspector, type Inspection, type InspectLimits } from '#host/block/inspect.ts'

const CHUNK = 256 * 1024
/** VHDX may keep its tables anywhere below this; nothing else needs more than 2 MiB. */
const REACH = 64 * 1024 * 1024

/**
 * Judges the file at `path`. `declaredFormat` as in {@link createInspector}. Reads at most 64 MiB from the start and, beyond, the last piece.
 * Throws the system's error when the file cannot be read.
 */
export async function inspectFile(
  path: string,
  declaredFormat: string,
  limits: InspectLimits = {},
): Promise<Inspection> {
  const file = await open(path, 'r')
  try {
    const { size } = await file.stat()
    const inspector = createInspector(declaredFormat, { ...limits, knownSize: size })
    const buffer = Buffer.alloc(CHUNK)
    for (let offset = 0; offset < Math.min(size, REACH);) {
      const { bytesRead } = await file.read(buffer, 0, CHUNK, offset)
      if (bytesRead === 0) break
      const verdict = inspector.eat(buffer.subarray(0, bytesRead))
      offset += bytesRead
      if (verdict !== undefined && offset < size) return verdict
    }
    if (size > REACH) {
      const { bytesRead } = await file.read(buffer, 0, 4096, size - 4096)
      inspector.skip(size - 4096)
      inspector.eat(buffer.subarray(0, bytesRead))
    }
    return inspector.end()
  } finally {
    await file.close()
  }
}
