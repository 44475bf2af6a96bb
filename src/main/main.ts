// The one command's cloud: create it, fill in first data, and give what `koto` may ask of it.
import type { StartCloud } from '#main/control/control.ts'
import { bootstrap } from '#main/bootstrap.ts'
import { controlOf } from '#main/control-of-cloud.ts'
import { createCloud } from '#main/create-cloud.ts'

/** Throws a Refusal for what a person can mend; then nothing is left running. */
export const startCloud: StartCloud = async options => {
  const cloud = await createCloud(options)
  const { promise: stopped, resolve } = Promise.withResolvers<void>()
  const stop = async (how: { keepGuests: boolean; remove: boolean }): Promise<void> => {
    await cloud.stop(how)
    resolve()
  }
  try {
    const notices = await bootstrap(cloud, options)
    return {
      control: controlOf(cloud, options, stop),
      authUrl: `${cloud.door}/identity/v3`,
      horizon: `${cloud.door}/`,
      hostIp: cloud.hostIp,
      notices: [...cloud.machine.notices, ...notices],
      stopped,
    }
  } catch (error) {
    await cloud.stop({ keepGuests: true, remove: false }).catch(() => undefined)
    throw error
  }
}
