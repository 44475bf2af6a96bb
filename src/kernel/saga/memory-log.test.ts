import { memorySagaLog } from '#kernel/saga/memory-log.ts'
import { sagaLogSuite } from '#kernel/saga/log.suite.ts'

sagaLogSuite('memory', async () => memorySagaLog())
