import { HeldForStore } from './held-for-store.ts'

/** A CONNACK, SUBACK or UNSUBACK that waits for the store. */
interface HeldAnswer {
  readonly batch: number
  readonly proceed: () => void
}

/** The answers to control packets of one client that may not leave before a batch of the store is down. */
export class HeldAnswers extends HeldForStore<HeldAnswer> {
  /** Calls `proceed` when `batch` is stored: at once for batch 0. Returns whether it waits. */
  hold(batch: number, proceed: () => void): boolean {
    if (batch > 0) this.push({ batch, proceed })
    else proceed()
    return batch > 0
  }

  /** What waits for no later batch goes on. */
  proceed(batch: number): void {
    for (let held = this.takeStored(batch); held !== undefined; held = this.takeStored(batch)) held.proceed()
  }
}
