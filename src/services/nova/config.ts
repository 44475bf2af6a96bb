// Nova's options.
import { defineConfig } from '#kernel/config/config.ts'

export const novaConfig = defineConfig('nova', {
  cpuAllocationRatio: { type: 'number', default: 16, min: 0.1, sentence: 'Virtual CPUs given out per real one.' },
  ramAllocationRatio: { type: 'number', default: 1, min: 0.1, sentence: 'Memory given out per real one.' },
  diskAllocationRatio: { type: 'number', default: 1, min: 0.1, sentence: 'Disk given out per real one.' },
  reservedHostMemoryMb: {
    type: 'int',
    default: 512,
    min: 0,
    sentence: 'Memory of each host kept for the host itself, in MB.',
  },
  serviceDownTimeS: {
    type: 'int',
    default: 60,
    min: 5,
    sentence: 'Seconds without a report after which a host counts as down.',
  },
  reportIntervalS: { type: 'int', default: 10, min: 1, sentence: 'Seconds between two reports of a compute host.' },
  shutdownTimeoutS: {
    type: 'int',
    default: 30,
    min: 0,
    sentence: 'Seconds a guest is given to shut down before its plug is pulled.',
  },
  vifPluggingTimeoutS: {
    type: 'int',
    default: 120,
    min: 1,
    sentence: 'Seconds to wait for a wire to be alive before a boot fails.',
  },
  allowResizeToSameHost: {
    type: ['auto', 'yes', 'no'],
    default: 'auto',
    sentence: 'Whether a resized server may stay on its host; auto: where no other host of its kind could take it.',
  },
  resizeConfirmWindowS: {
    type: 'int',
    default: 0,
    min: 0,
    sentence: 'Seconds after which a resize that nobody confirmed is confirmed by itself; 0 for never.',
  },
  volumeTimeoutS: { type: 'int', default: 600, min: 1, sentence: 'Seconds a volume made for a server may take.' },
  maxLimit: { type: 'int', default: 1000, min: 1, sentence: 'The most entries of a list in one answer.' },
  consoleTokenTtlS: { type: 'int', default: 600, min: 10, sentence: 'Seconds a console address stays good.' },
  forceConfigDrive: { type: 'bool', default: false, sentence: 'Give every guest a config drive, asked for or not.' },
  shelvedOffloadTime: {
    type: 'int',
    default: 0,
    min: -1,
    sentence: 'Seconds a shelved server keeps its place on its host; 0 gives it back at once, -1 never.',
  },
  imageCacheUnusedS: {
    type: 'int',
    default: 86_400,
    min: 0,
    sentence: 'Seconds after which a host forgets an image that no guest stands on; 0 keeps it for ever.',
  },
  reclaimInstanceIntervalS: {
    type: 'int',
    default: 0,
    min: 0,
    sentence: 'Seconds for which a deleted server can be restored before it is gone for good; 0 deletes at once.',
  },
  dhcpDomain: {
    type: 'text',
    default: 'novalocal',
    sentence: 'Domain appended to host names in metadata; empty for none.',
  },
  quotaInstances: { type: 'int', default: 10, min: -1, sentence: 'Servers per project; -1 for no limit.' },
  quotaCores: { type: 'int', default: 20, min: -1, sentence: 'Virtual CPUs per project.' },
  quotaRam: { type: 'int', default: 51200, min: -1, sentence: 'Memory per project, in MB.' },
  quotaKeyPairs: { type: 'int', default: 100, min: -1, sentence: 'Key pairs per user.' },
  quotaServerGroups: { type: 'int', default: 10, min: -1, sentence: 'Server groups per project.' },
  quotaServerGroupMembers: { type: 'int', default: 10, min: -1, sentence: 'Members of a server group.' },
  quotaMetadataItems: { type: 'int', default: 128, min: -1, sentence: 'Metadata items of a server.' },
})
