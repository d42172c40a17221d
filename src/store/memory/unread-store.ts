import { MemoryStore } from './memory-store.ts'

/** For a hub that nobody starts again with it: does not keep what it would only be asked for then, which the router has. */
export class UnreadStore extends MemoryStore {
  override putRetained(): void {
    this.changed()
  }

  override removeRetained(): void {
    this.changed()
  }
}
