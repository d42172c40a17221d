import type { Arrived, Past } from '../../worker/protocol.ts'
import { apiUrl } from './api.ts'
import { past } from './hub.ts'
import { nameOf, type Note } from './rows.ts'
import type { Hole } from './stream.ts'

/** So many at most fill a hole; what came after them is a click away. */
export const HOLE_MESSAGES = 10_000
export const HOLE_PAGE = 1000
/** So many messages in their order tell where in history one is. */
const RUN = 8
/** Between hub and page: what is near an edge is looked at from both sides. */
export const EDGE_MS = 2000

/** What people say is shown whole; of other payloads that are long, the rest is fetched when somebody looks at it. */
export function shownOf(filter: string): 'full' | 'short' {
  return filter.startsWith('chat/') ? 'full' : 'short'
}

/** What history has of a hole in the stream, the oldest first, and what has to be said of the rest. */
export async function readHole(
  filter: string,
  { after, before, messages }: Hole,
  offsetMs: number,
): Promise<{ missed: readonly Arrived[]; note: Note | undefined }> {
  const [, fromMs] = edgesOf(after, offsetMs)
  const [, untilMs] = edgesOf(before, offsetMs)
  const query = {
    filter,
    order: 'oldest' as const,
    limit: HOLE_PAGE,
    after: fromMs === undefined ? undefined : String(fromMs - EDGE_MS),
    before: untilMs === undefined ? undefined : String(untilMs + EDGE_MS),
  }
  const found: Arrived[] = []
  let cursor: string | undefined
  /** What is near the edge may be shown already: it does not count. */
  let most = Infinity
  do {
    const page = await past(apiUrl('GET /messages', { query: { payload: shownOf(filter), ...query, cursor } }))
    found.push(...page.messages)
    cursor = page.nextCursor ?? undefined
    if (most === Infinity && lastMs(found) > (fromMs ?? 0) + EDGE_MS) most = found.length + HOLE_MESSAGES
  } while (cursor !== undefined && found.length < most)
  const missed = beforeShown(afterShown(found, after, offsetMs), before, offsetMs)
  const left = messages - missed.length
  if (left <= 0) return { missed, note: undefined }
  return { missed, note: cursor === undefined ? { kind: 'not-shown', messages: left } : { kind: 'gap' } }
}

/** What history has before the oldest messages that are shown, the newest first. */
export async function readBefore(
  filter: string,
  shown: readonly Arrived[],
  offsetMs: number,
): Promise<Pick<Past, 'messages' | 'nextCursor'>> {
  const [fromMs = 0, untilMs = 0] = edgesOf(shown.slice(0, RUN), offsetMs)
  const found: Arrived[] = []
  let cursor: string | undefined
  do {
    const query = { filter, before: String(untilMs + EDGE_MS), limit: HOLE_PAGE, cursor }
    const page = await past(apiUrl('GET /messages', { query: { payload: shownOf(filter), ...query } }))
    found.push(...page.messages)
    cursor = page.nextCursor ?? undefined
  } while (cursor !== undefined && lastMs(found) > fromMs - EDGE_MS)
  const older = beforeShown(found.toReversed(), shown, offsetMs)
  return { messages: older.toReversed(), nextCursor: cursor ?? null }
}

/** What comes after messages that are shown. */
function afterShown(found: readonly Arrived[], shown: readonly Arrived[], offsetMs: number): readonly Arrived[] {
  const run = shown.slice(-RUN)
  const at = findRun(found, run, offsetMs)
  return at === -1 ? without(found, shown) : found.slice(at + run.length)
}

/** What comes before messages that are shown. */
function beforeShown(found: readonly Arrived[], shown: readonly Arrived[], offsetMs: number): readonly Arrived[] {
  const at = findRun(found, shown.slice(0, RUN), offsetMs)
  return at === -1 ? without(found, shown) : found.slice(0, at)
}

/** Of many messages at QoS 0 history has a few: they have no neighbours to know them by. */
function without(found: readonly Arrived[], shown: readonly Arrived[]): readonly Arrived[] {
  const names = new Set(shown.map(nameOf))
  return found.filter((message) => !names.has(nameOf(message)))
}

/** Where messages that came live begin in what history tells, in the same order; -1 when they are not there. Of several places the nearest in time. */
function findRun(messages: readonly Arrived[], run: readonly Arrived[], offsetMs: number): number {
  const names = run.map(nameOf)
  const [startMs = 0] = edgesOf(run, offsetMs)
  const distance = (index: number): number => Math.abs((messages[index]?.atMs ?? Infinity) - startMs)
  let nearest = -1
  if (run.length === 0) return nearest
  for (const index of messages.keys()) {
    const isHere = names.every((name, step) => {
      const message = messages[index + step]
      return message !== undefined && nameOf(message) === name
    })
    if (isHere && distance(index) < distance(nearest)) nearest = index
  }
  return nearest
}

function lastMs(messages: readonly Arrived[]): number {
  return messages.at(-1)?.atMs ?? 0
}

/** When the first and the last of them were said, by the clock of the hub. */
function edgesOf(messages: readonly Arrived[], offsetMs: number): (number | undefined)[] {
  return [messages.at(0), messages.at(-1)].map((message) => message && Math.round(message.atMs + offsetMs))
}
