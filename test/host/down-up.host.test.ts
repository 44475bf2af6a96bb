// `koto down` and `koto up` with real guests: what ran runs again with its disk, what sleeps sleeps on; kept guests are the same processes.
import { after, test } from 'node:test'
import { downAndUp, keptAndUp } from '../faults/down-and-up.ts'
import { realCloud, type RealCloud } from '../faults/real-cloud.ts'
import { unable } from './unable.ts'

const skip = unable()
const REAL = ['--hypervisor', 'qemu', '--network', 'linux']
const clouds: RealCloud[] = []
const made = (name: string): RealCloud => {
  const cloud = realCloud(name, REAL)
  clouds.push(cloud)
  return cloud
}
after(async () => {
  for (const cloud of clouds) await cloud.end()
})

test('down and up with real guests', { skip }, () => downAndUp(made('down-real')))

test('down --keep-guests and up with real guests', { skip }, () => keptAndUp(made('kept-real')))
