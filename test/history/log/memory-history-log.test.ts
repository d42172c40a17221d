import { MemoryHistoryLog } from '../../../src/history/log/memory-history-log.ts'
import { testHistoryLog } from '../../contract/history-log.ts'

testHistoryLog('MemoryHistoryLog', () => ({ open: () => new MemoryHistoryLog(), isKept: false }))
