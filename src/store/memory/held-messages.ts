// Hot path: runs per message that has to wait in memory; measured by `npm run bench`, rows "kept".
import type { MemoryAccount } from '../../base/memory-account.ts'
import type { Message } from '../../protocol/message.ts'

/** What a kept message takes on the heap besides its bytes, and what it takes there to wait once more. */
export const MESSAGE_BYTES = 400
const ENTRY_BYTES = 64

/** Whether there is memory for one more message that waits. */
export function mayHold(memory: MemoryAccount, { packetBytes, lasting }: Message): boolean {
  if (lasting !== undefined && lasting.holders > 0) return memory.mayTake(ENTRY_BYTES, ENTRY_BYTES)
  return memory.mayTake(packetBytes + MESSAGE_BYTES + ENTRY_BYTES, MESSAGE_BYTES + ENTRY_BYTES)
}

/** A kept message waits somewhere in memory; its bytes count once, in however many places that is. */
export function hold(memory: MemoryAccount, kept: Message): void {
  if (kept.holders++ === 0) memory.take(kept.packetBytes + MESSAGE_BYTES + ENTRY_BYTES, MESSAGE_BYTES + ENTRY_BYTES)
  else memory.take(ENTRY_BYTES, ENTRY_BYTES)
}

/** It waits there no more. */
export function letGo(memory: MemoryAccount, kept: Message): void {
  if (--kept.holders === 0) memory.give(kept.packetBytes + MESSAGE_BYTES + ENTRY_BYTES, MESSAGE_BYTES + ENTRY_BYTES)
  else memory.give(ENTRY_BYTES, ENTRY_BYTES)
}
