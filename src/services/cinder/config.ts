// Cinder's options.
import { defineConfig } from '#kernel/config/config.ts'

export const cinderConfig = defineConfig('cinder', {
  backend: {
    type: ['auto', 'file', 'simulated'],
    default: 'auto',
    sentence:
      'What keeps the bytes of volumes: file makes qcow2 files in the state folder, simulated keeps none; auto takes file where qemu-img is installed.',
  },
  volumeBackingFileSizeGb: {
    type: 'gb',
    default: 30,
    min: 1,
    sentence: 'Room in the pool of volumes, in GiB; no more than that is promised or written.',
    devstack: 'VOLUME_BACKING_FILE_SIZE',
  },
  maxOverSubscriptionRatio: {
    type: 'number',
    default: 1,
    min: 1,
    sentence: "How many times the pool's room may be promised, since a qcow2 file takes only what is written.",
  },
  defaultVolumeType: {
    type: 'text',
    default: '__DEFAULT__',
    sentence: 'Type of volumes made without one.',
  },
  defaultGroupType: {
    type: 'text',
    default: '',
    sentence: 'Group type that clients find as the default; none when empty.',
  },
  availabilityZone: { type: 'text', default: 'nova', sentence: 'Availability zone of the volume services.' },
  serviceDownTimeS: {
    type: 'int',
    default: 60,
    min: 5,
    sentence: 'Seconds without a report after which a volume service counts as down.',
  },
  reportIntervalS: { type: 'int', default: 10, min: 1, sentence: 'Seconds between two reports of a back end.' },
  maxLimit: { type: 'int', default: 1000, min: 1, sentence: 'The most entries of a list in one answer.' },
  nbdAddress: {
    type: 'text',
    default: '127.0.0.1',
    sentence: 'Address on which volumes are served to servers on other hosts.',
  },
  messageTtlS: {
    type: 'seconds',
    default: 2_592_000,
    sentence: 'Seconds after which messages to users are forgotten.',
  },
  quotaVolumes: { type: 'int', default: 10, min: -1, sentence: 'Volumes per project; -1 for no limit.' },
  quotaSnapshots: { type: 'int', default: 10, min: -1, sentence: 'Snapshots per project.' },
  quotaGigabytes: { type: 'int', default: 1000, min: -1, sentence: 'GiB of volumes and snapshots per project.' },
  quotaGroups: { type: 'int', default: 10, min: -1, sentence: 'Groups of volumes per project.' },
  quotaBackups: { type: 'int', default: 10, min: -1, sentence: 'Backups per project.' },
  quotaBackupGigabytes: { type: 'int', default: 1000, min: -1, sentence: 'GiB of backups per project.' },
  perVolumeSizeLimit: { type: 'int', default: -1, min: -1, sentence: 'GiB of one volume.' },
})
