import type { Clock } from '../../base/clock.ts'
import type { HistoryFilter } from '../../protocol/history-filter.ts'
import { Message } from '../../protocol/message.ts'
import { encodeMessageProperties } from '../../protocol/message-properties.ts'
import type { Place } from './search-cursor.ts'
import type { Journal } from '../record/journal.ts'
import type { ChapterReader } from './reader.ts'
import { BEGINNING, END } from './search.ts'
import { selecting } from './selection.ts'
import { type Found, walk } from './walk.ts'

export interface ReplayParts {
  readonly journal: Journal
  readonly reader: ChapterReader
  readonly clock: Clock
}

/**
 * The past as a subscriber gets it: the messages recorded up to now under a filter, oldest first. Lazy; `undefined` is a pause.
 * Messages that arrive meanwhile are not included.
 */
export function replay(parts: ReplayParts, wanted: HistoryFilter): Iterator<Message | undefined> {
  return upTo(parts.journal.lastSequence, parts, wanted)
}

function* upTo(
  lastSequence: number,
  { journal, reader, clock }: ReplayParts,
  { start, filter }: HistoryFilter,
): Generator<Message | undefined, void, undefined> {
  const nowMs = clock.wallMs()
  const selection = yield* selecting(journal.topics, filter, journal.messages)
  let from: Place = BEGINNING
  if ('ms' in start) {
    from = { atMs: nowMs - start.ms, sequence: 0 }
  } else {
    if (start.messages === 0) return
    let messages = 0
    for (const found of walk(journal, reader, { selection, isBackwards: true, from: END, until: BEGINNING, nowMs })) {
      if (found === undefined) yield undefined
      else if (found.sequence <= lastSequence) {
        from = { atMs: found.atMs, sequence: found.sequence }
        if (++messages === start.messages) break
      }
    }
    if (messages === 0) return
  }
  for (const found of walk(journal, reader, { selection, isBackwards: false, from, until: END, nowMs })) {
    if (found === undefined) yield undefined
    else if (found.sequence <= lastSequence) yield messageOf(found)
  }
}

/** A copy of the message that says when it came. */
function messageOf({ sequence, atMs, topic, block, index }: Found): Message {
  const message = block.copyOf(index)
  const { bytes, propertiesStart, payloadStart, qos, publisher } = message
  const marks = encodeMessageProperties({
    userProperties: [
      ['hubbub-sequence', String(sequence)],
      ['hubbub-time', new Date(atMs).toISOString()],
    ],
  })
  const properties = Buffer.concat([bytes.subarray(propertiesStart, payloadStart), marks])
  return Message.create(topic.name, message.payload, qos, false, publisher, properties)
}
