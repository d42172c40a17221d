import { LoopPart } from '../../base/loop-times.ts'
import type { Clock } from '../../base/clock.ts'
import type { TopicLimits } from '../../protocol/topic.ts'
import type { ImportSummary } from '../../admin/history-view.ts'
import type { Journal } from '../record/journal.ts'
import { IMPORT_SEQUENCES, Lane } from '../record/lane.ts'
import { type ReadEntry, readEntry, readLines } from './ndjson.ts'
import type { HistoryRules } from '../record/rules.ts'
import { Slices } from '../../base/slices.ts'
import type { HistoryTopic } from '../record/topics.ts'

export interface ImportParts {
  readonly journal: Journal
  readonly rules: HistoryRules
  readonly clock: Clock
  readonly topicLimits: TopicLimits
}

const SHOWN_FAULTS = 10
/** How often times may go back: each time begins another series of chapters, which every query must search. */
const MAX_TURNS_BACK = 32

/**
 * Adds the messages of an export to a history; the oldest must come first. They get new sequence numbers, in the order in which
 * they come, and keep their times. Messages recorded meanwhile get numbers after all of them.
 */
export async function importLines(parts: ImportParts, chunks: AsyncIterable<Buffer>): Promise<ImportSummary> {
  const { journal, topicLimits } = parts
  // The numbers of a chapter must have no others between them.
  const { chapter } = journal.live
  if (chapter !== undefined && chapter.isOpen) journal.close(chapter)
  const lane = new Lane(journal.live.nextSequence)
  const behind = lane.nextSequence + IMPORT_SEQUENCES
  journal.live.nextSequence = behind
  const order = { lastMs: -Infinity, turnsBack: 0 }
  const faults: string[] = []
  const slices = new Slices(LoopPart.HISTORY)
  let imported = 0
  let tooOld = 0
  let faulty = 0
  let lines = 0
  try {
    for await (const line of readLines(chunks)) {
      lines++
      if (line.trim() === '') continue
      const entry = readEntry(line, topicLimits)
      const { outcome, fault } = typeof entry === 'string' ? faultyEntry(entry) : add(parts, lane, order, entry)
      if (outcome === 'imported') imported++
      else if (outcome === 'too-old') tooOld++
      else if (++faulty <= SHOWN_FAULTS) faults.push(`line ${lines}: ${fault}`)
      if (journal.isBusy) await journal.writes.settled()
      if (journal.isBehind) throw new Error('the store cannot write')
      await slices.pause()
    }
  } finally {
    if (lane.chapter?.isOpen === true) journal.close(lane.chapter)
    // Nothing was recorded meanwhile: the numbers need not jump.
    if (journal.live.nextSequence === behind) journal.live.nextSequence = lane.nextSequence
    await journal.writes.settled()
  }
  return { imported, tooOld, faulty, faults }
}

/** The times of the lines so far. */
interface Order {
  lastMs: number
  turnsBack: number
}

/** What became of an entry. */
interface Added {
  readonly outcome: 'imported' | 'too-old' | 'faulty'
  /** What is wrong with a faulty one, for people. */
  readonly fault?: string
}

const IMPORTED: Added = { outcome: 'imported' }
const TOO_OLD: Added = { outcome: 'too-old' }

function faultyEntry(fault: string): Added {
  return { outcome: 'faulty', fault }
}

function add({ journal, rules, clock }: ImportParts, lane: Lane, order: Order, { atMs, message }: ReadEntry): Added {
  const nowMs = clock.wallMs()
  if (atMs > nowMs) return faultyEntry('"time" is in the future')
  const known = journal.topics.get(message.topic)
  const terms = known?.terms ?? rules.termsOf(message.topic)
  if (atMs < nowMs - terms.maxAgeMs) return TOO_OLD
  // A topic removes its earliest entries first, so an older message must not be added after the newer ones it keeps.
  if (known !== undefined && isFull(known) && atMs < known.newestAtMs) return TOO_OLD
  if (atMs < order.lastMs && order.turnsBack++ >= MAX_TURNS_BACK)
    return faultyEntry('"time" is before that of the lines before it')
  const topic = known ?? journal.topicNamed(message.topic)
  if (topic === undefined) return faultyEntry('the history has its maximum of topics')
  order.lastMs = atMs
  journal.append(lane, topic, atMs, message)
  return IMPORTED
}

function isFull({ messages, bytes, terms }: HistoryTopic): boolean {
  return messages >= terms.maxMessages || bytes >= terms.maxBytes
}
