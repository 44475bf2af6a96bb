// The smallest file that is a whole disk: what a simulated guest's root looks like once it is an image.

const CLUSTER_BITS = 12
const CLUSTER = 2 ** CLUSTER_BITS

/**
 * A qcow2 of version 2 without data: header, table and block of reference counts, first-level table. `virtualSize` in bytes,
 * at most 1 TiB.
 */
export function blankQcow2(virtualSize: number): Uint8Array {
  const perTable = CLUSTER * (CLUSTER / 8)
  const tables = Math.max(1, Math.ceil(virtualSize / perTable))
  const l1Clusters = Math.ceil((tables * 8) / CLUSTER)
  const clusters = 3 + l1Clusters
  const bytes = new Uint8Array(clusters * CLUSTER)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, 0x51_46_49_fb) // QFI\xfb
  view.setUint32(4, 2)
  view.setUint32(20, CLUSTER_BITS)
  view.setBigUint64(24, BigInt(virtualSize))
  view.setUint32(36, tables)
  view.setBigUint64(40, BigInt(3 * CLUSTER))
  view.setBigUint64(48, BigInt(CLUSTER))
  view.setUint32(56, 1)
  view.setBigUint64(CLUSTER, BigInt(2 * CLUSTER))
  for (let cluster = 0; cluster < clusters; cluster++) view.setUint16(2 * CLUSTER + cluster * 2, 1)
  return bytes
}
