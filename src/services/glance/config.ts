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
})
