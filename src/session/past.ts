import type { HistoryFilter } from '../protocol/history-filter.ts'
import type { Message } from '../protocol/message.ts'

/**
 * Where sessions have what was said before.
 *
 *   1. The messages are in the order of their times, each once, up to the last that came before the call.
 *   2. They are kept, with RETAIN 0, and say in User Properties when they came.
 *   3. It is lazy; `undefined` is a pause: go on in a later turn of the event loop.
 */
export interface Past {
  replay(wanted: HistoryFilter): Iterator<Message | undefined>
}
