import type { Arrived } from '../../worker/protocol.ts'
import { apiUrl } from './api.ts'
import { past } from './hub.ts'
import { stream } from './open.ts'

/** Messages for a chart. */
const CHARTED = 300

/** The message of the same topic that came before one, as far as it is shown or in history. */
export async function messageBefore(message: Arrived): Promise<Arrived | undefined> {
  const shown = shownOf(message.topic)
  const index = shown.findIndex(({ id }) => id === message.id)
  if (index > 0) return shown[index - 1]
  const before = String(Math.floor(message.atMs))
  const page = await past(
    apiUrl('GET /messages', { query: { payload: 'short', filter: message.topic, before, limit: 1 } }),
  )
  return page.messages[0]
}

/** The last messages of a topic, the oldest first: of history, or without that of what is shown. */
export async function messagesOf(topic: string): Promise<readonly Arrived[]> {
  const page = await past(apiUrl('GET /messages', { query: { payload: 'full', filter: topic, limit: CHARTED } }))
  return page.messages.length > 0 ? page.messages.toReversed() : shownOf(topic).slice(-CHARTED)
}

function shownOf(topic: string): readonly Arrived[] {
  return stream
    .peek()
    .rows.flatMap((row) => (row.kind === 'message' ? (row.folded ?? [row.message]) : []))
    .filter((message) => message.topic === topic)
}
