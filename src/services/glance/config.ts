// Glance's options.
import { defineConfig } from '#kernel/config/config.ts'

export const glanceConfig = defineConfig('glance', {
  imageSizeCapGb: { type: 'gb', default: 1024, sentence: 'The largest image that may be uploaded, in GB.' },
  limitParamDefault: { type: 'int', default: 25, min: 1, sentence: 'Images on a page when the client names no limit.' },
  apiLimitMax: { type: 'int', default: 1000, min: 1, sentence: 'The most images on a page.' },
  imageMemberQuota: { type: 'int', default: 128, min: -1, sentence: 'Members an image may have; -1 for no limit.' },
  imagePropertyQuota: { type: 'int', default: 128, min: -1, sentence: 'Properties an image may have.' },
  imageTagQuota: { type: 'int', default: 128, min: -1, sentence: 'Tags an image may have.' },
  uploadTimeoutS: {
    type: 'int',
    default: 86_400,
    min: 60,
    sentence: 'Seconds after which an upload that was cut off counts as dead.',
  },
  useKeystoneLimits: {
    type: 'bool',
    default: true,
    sentence:
      'Hold projects to the limits registered at Keystone for the image service (image_size_total and image_stage_total in MiB, image_count_total, image_count_uploading); what is not registered has no limit.',
  },
  importAllowedSchemes: { type: 'list', default: ['http', 'https'], sentence: 'Schemes that web-download may use.' },
  importAllowedHosts: {
    type: 'list',
    default: [],
    sentence: 'The only hosts that web-download may ask; empty: all but those refused.',
  },
  importDisallowedHosts: { type: 'list', default: [], sentence: 'Hosts that web-download may not ask.' },
  importAllowedPorts: {
    type: 'list',
    default: ['80', '443'],
    sentence: 'Ports that web-download may ask; empty: all.',
  },
  importAllowPrivateAddresses: {
    type: 'bool',
    default: false,
    sentence: 'Whether web-download may also ask loopback and private addresses.',
  },
  taskTimeToLiveH: { type: 'int', default: 48, min: 1, sentence: 'Hours for which an ended task is kept.' },
  imageCacheMaxSizeGb: { type: 'gb', default: 10, sentence: 'What pruning leaves in the image cache, in GB.' },
})
