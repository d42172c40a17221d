import type { Clock } from '../observe/clock.ts'
import type { TopicLimits } from '../protocol/topic.ts'
import type { ImportSummary } from './face.ts'
import type { Journal } from './journal.ts'
import { IMPORT_SEQUENCES, Lane } from './lane.ts'
import { type ReadEntry, readEntry, readLines } from './ndjson.ts'
import type { HistoryRules } from './rules.ts'
import { Slices } from './slices.ts'

export interface ImportParts {
  readonly journal: Journal
  readonly rules: HistoryRules
  readonly clock: Clock
  readonly topicLimits: TopicLimits
}

const SHOWN_FAULTS = 10

/**
 * Adds the messages of an export to a history. They get sequence numbers of their own, in the order in which they come; their
 * times are theirs. What is recorded meanwhile stands behind all of them.
 */
export async function importLines(parts: ImportParts, chunks: AsyncIterable<Buffer>): Promise<ImportSummary> {
  const { journal, topicLimits } = parts
  const lane = new Lane(journal.live.nextSequence)
  journal.live.nextSequence += IMPORT_SEQUENCES
  const faults: string[] = []
  const slices = new Slices()
  let imported = 0
  let tooOld = 0
  let faulty = 0
  let lines = 0
  try {
    for await (const line of readLines(chunks)) {
      lines++
      if (line.trim() === '') continue
      const entry = readEntry(line, topicLimits)
      const outcome = typeof entry === 'string' ? entry : add(parts, lane, entry)
      if (outcome === 'imported') imported++
      else if (outcome === 'too old') tooOld++
      else if (++faulty <= SHOWN_FAULTS) faults.push(`line ${lines}: ${outcome}`)
      if (journal.isBehind) await journal.writes.settled()
      if (journal.isBehind) throw new Error('the store cannot write')
      await slices.pause()
    }
  } finally {
    if (lane.chapter !== undefined) journal.close(lane.chapter)
    await journal.writes.settled()
  }
  return { imported, tooOld, faulty, faults }
}

/** `imported`, `too old`, or what is wrong with the entry. */
function add({ journal, rules, clock }: ImportParts, lane: Lane, { atMs, message }: ReadEntry): string {
  if (atMs > clock.nowMs()) return '"time" lies in the future'
  if (atMs < clock.nowMs() - rules.longestAgeMs) return 'too old'
  const topic = journal.topicNamed(message.topic)
  if (topic === undefined) return 'there are as many topics as the history can have'
  journal.append(lane, topic, atMs, message)
  return 'imported'
}
