import type { Slices } from '../../base/slices.ts'
import { BlockWriter, type HistoryBlock } from '../log/history-block.ts'
import type { HistoryLog } from '../log/history-log.ts'
import type { Chapter } from './chapter.ts'
import type { HistoryTopics } from './topics.ts'

/** A chapter's entries without those that are gone. */
export interface LiveBlocks {
  readonly blocks: readonly HistoryBlock[]
  /** The bytes of the blocks that were read. */
  readonly before: number
  /** Of these, what the entries took that are gone. */
  readonly deadBytes: number
}

/** Copies the entries of a stored chapter that are not gone into new blocks. */
export async function readLiveBlocks(
  { first, next }: Chapter,
  log: HistoryLog,
  topics: HistoryTopics,
  nowMs: number,
  slices: Slices,
): Promise<LiveBlocks> {
  const writer = new BlockWriter()
  const blocks: HistoryBlock[] = []
  let before = 0
  let deadBytes = 0
  for (let block = log.block(first, false); block !== undefined && block.first < next;) {
    before += block.bytes
    for (let i = 0; i < block.count; i++) {
      const bytes = block.entryBytes(i)
      const sequence = block.sequence(i)
      const topic = topics.byNumber(block.topic(i))
      const isAlive = topic !== undefined && sequence >= topic.floor && block.atMs(i) >= nowMs - topic.terms.maxAgeMs
      if (!isAlive) {
        deadBytes += bytes
        continue
      }
      if (!writer.takes(sequence, block.atMs(i), bytes)) blocks.push(writer.take())
      writer.copy(block, i)
    }
    await slices.pause()
    block = log.block(block.sequence(block.count - 1) + 1, false)
  }
  if (writer.count > 0) blocks.push(writer.take())
  return { blocks, before, deadBytes }
}
