import type { MemoryAccount } from '../../base/memory-account.ts'
import { MemoryStore } from './memory-store.ts'

/** For a hub that nobody starts again with it: does not keep what it would only be asked for then, which the router has. */
export class UnreadStore extends MemoryStore {
  /** What waits for clients counts for `memory`. */
  constructor(memory: MemoryAccount) {
    super()
    this.memory = memory
  }

  override putRetained(): void {
    this.changed()
  }

  override removeRetained(): void {
    this.changed()
  }
}
