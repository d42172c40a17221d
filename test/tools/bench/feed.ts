// Publishers of QoS 1 whose messages nobody reads at the moment: only PUBACK opens their windows.
/* oxlint-disable no-await-in-loop -- connections open one after another, and a wait is a loop */
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from './client.ts'
import { StallWatch, sum } from './stall-watch.ts'
import { FillQueue, WindowedPublisher, type Publication } from './windowed-publisher.ts'

const pollMs = 5

/** Publishers that send up to a total, which may be raised. */
export class Feed {
  isStalled = false
  readonly #queue = new FillQueue()
  readonly #publishers: WindowedPublisher[] = []

  static async connect(port: number, publishers: number, publication: Publication): Promise<Feed> {
    const feed = new Feed()
    for (let i = 0; i < publishers; i++) {
      const client = await Client.open(port, `p${i}`)
      feed.#publishers.push(new WindowedPublisher(client, i, publication, [], feed.#queue))
    }
    return feed
  }

  /** Lets the publishers send until there are so many messages of all of them since the start. */
  sendUpTo(messages: number): void {
    const count = this.#publishers.length
    for (const [i, publisher] of this.#publishers.entries()) {
      publisher.maxMessages = Math.floor((messages + count - 1 - i) / count)
      publisher.fill()
    }
  }

  /** Resolves when so many are acknowledged, when the time is over, or when nothing moves any more. */
  async untilAcknowledged(messages: number, timeMs: number): Promise<void> {
    const endMs = performance.now() + timeMs
    const stall = new StallWatch(() => this.acknowledgedMessages())
    while (this.acknowledgedMessages() < messages && performance.now() < endMs && stall.isMoving()) {
      await sleep(pollMs)
    }
    this.isStalled ||= stall.isStalled
  }

  /** Sends no more and waits until everything is acknowledged. */
  async stop(): Promise<void> {
    this.#queue.isOpen = false
    await this.untilAcknowledged(this.sentMessages(), Infinity)
  }

  sentMessages(): number {
    return sum(this.#publishers, (publisher) => publisher.sentMessages)
  }

  acknowledgedMessages(): number {
    return sum(this.#publishers, (publisher) => publisher.acknowledgedMessages)
  }

  faults(): string[] {
    const unacknowledged = this.sentMessages() - this.acknowledgedMessages()
    const misordered = sum(this.#publishers, (publisher) => publisher.misorderedAcknowledgements)
    return [
      ...(unacknowledged === 0 ? [] : [`UNACKNOWLEDGED ${unacknowledged}`]),
      ...(misordered === 0 ? [] : [`ACKS OUT OF ORDER ${misordered}`]),
      ...(this.isStalled ? ['STALLED'] : []),
    ]
  }
}
