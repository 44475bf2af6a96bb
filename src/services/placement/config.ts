// Placement's options.
import { defineConfig } from '#kernel/config/config.ts'

const NOBODY = '00000000-0000-0000-0000-000000000000'

export const placementConfig = defineConfig('placement', {
  incompleteConsumerProjectId: {
    type: 'text',
    default: NOBODY,
    sentence: 'The project of consumers whose allocations were written before 1.8, which named none.',
  },
  incompleteConsumerUserId: {
    type: 'text',
    default: NOBODY,
    sentence: 'The user of consumers whose allocations were written before 1.8, which named none.',
  },
  allocationConflictRetryCount: {
    type: 'int',
    default: 10,
    min: 1,
    max: 100,
    sentence: 'How often an allocation is tried when others change the same resource providers at the same moment.',
  },
  maxAllocationCandidates: {
    type: 'int',
    default: 100_000,
    min: -1,
    sentence: 'Most allocation candidates made for one request, before its own limit; -1 means any number.',
  },
  allocationCandidatesGenerationStrategy: {
    type: ['depth-first', 'breadth-first'],
    default: 'depth-first',
    sentence:
      'In which order candidates come: depth-first gives all of one tree of providers before the next, breadth-first one of each in turn.',
  },
  randomizeAllocationCandidates: {
    type: 'bool',
    default: false,
    sentence: 'Whether a limited request gets a random choice of the candidates instead of the first.',
  },
})
