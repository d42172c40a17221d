import type { PublishOptions, Published } from './messages.ts'
import { HubbubError } from '../base/errors.ts'
import type { Clock } from '../base/clock.ts'
import type { Message } from '../protocol/message.ts'
import { type TopicLimits, topicNameFault } from '../protocol/topic.ts'
import type { Router } from '../router/router.ts'
import type { Store } from '../store/store.ts'
import { messageToPublish } from './message-to-publish.ts'

export type PublishLimits = TopicLimits & { readonly maxMessageExpirySeconds: number }

export interface PublisherParts {
  readonly router: Router
  readonly store: Store
  readonly clock: Clock
  readonly limits: PublishLimits
}

interface Waiting {
  readonly topic: string
  readonly batch: number
  resolve(): void
  reject(error: HubbubError): void
}

/** The one door for messages that do not come from a client, with what clients are promised: what was acknowledged is kept. */
export class Publisher {
  readonly #parts: PublisherParts
  #waiting: Waiting[] = []

  constructor(parts: PublisherParts) {
    this.#parts = parts
  }

  /**
   * Hands a message over before it returns, and resolves when what must be kept of it is stored as firmly as `durability` says:
   * for sessions whose clients are away, and when it is retained. Rejects when it cannot be.
   * @throws HubbubError `ARGUMENT_INVALID`, `TOPIC_NAME_INVALID`, `TOPIC_RESERVED`; `PUBLISH_REFUSED`: there is no room to retain it
   *   or the store cannot write, and nobody gets it; `PUBLISH_NOT_STORED`: who is connected gets it, and it may not outlive the hub
   */
  async publish(topic: string, payload: string | Uint8Array, options: PublishOptions = {}): Promise<Published> {
    return this.publishMessage(this.prepare(topic, payload, options))
  }

  /** The message that `publish` would publish. @throws HubbubError like `publish` for what is wrong with it */
  prepare(topic: string, payload: string | Uint8Array, options: PublishOptions): Message {
    const { limits, clock } = this.#parts
    return messageToPublish(topic, payload, options, limits, clock.lifetimeMs())
  }

  /** The rest of `publish`. */
  async publishMessage(message: Message): Promise<Published> {
    const { router, store } = this.#parts
    const { topic } = message
    const isForLater = message.qos > 0 || message.retain
    const limit = router.retainedLimitFor(message)
    const refusal =
      limit !== undefined
        ? `there is no room for one more retained message (limits.${limit})`
        : store.isFailing && isForLater
          ? 'the store cannot write, so the message could not be kept'
          : undefined
    if (refusal !== undefined) {
      throw new HubbubError('PUBLISH_REFUSED', `Cannot publish to ${JSON.stringify(topic)}: ${refusal}`)
    }
    const changesBefore = store.changes
    const { spreads } = router
    const { begun } = spreads
    const matched = router.publishMessage(message)
    if (spreads.begun !== begun) await new Promise<void>((resolve) => spreads.afterAll(resolve))
    const batch = isForLater && store.changes !== changesBefore ? store.openBatch : 0
    if (batch > 0) {
      await new Promise<void>((resolve, reject) => {
        this.#waiting.push({ topic, batch, resolve, reject })
      })
    }
    return { matched }
  }

  /** Publishes what the hub says of itself, unless topics may be shorter or less deep here than that one is. */
  publishOwn(message: Message): void {
    const { router, limits } = this.#parts
    // One that is still on its way to very many is as good.
    if (router.spreads.isBefore(message)) return
    if (topicNameFault(message.topic, limits) === undefined) router.publishMessage(message)
  }

  onStored(batch: number): void {
    for (const one of this.#take(batch)) one.resolve()
  }

  onFailed(batch: number, cause: Error): void {
    const reason = `it was taken, but the store could not keep it: ${cause.message}`
    for (const one of this.#take(batch)) one.reject(notStored(one.topic, reason, cause))
  }

  /** The store has stopped: what is not stored by now will not be. */
  stop(): void {
    for (const one of this.#take(Infinity)) one.reject(notStored(one.topic, 'the hub stopped before it was stored'))
  }

  /** Those who wait for a batch or one before it. */
  #take(batch: number): readonly Waiting[] {
    if (this.#waiting.length === 0) return []
    const taken = this.#waiting.filter((one) => one.batch <= batch)
    this.#waiting = this.#waiting.filter((one) => one.batch > batch)
    return taken
  }
}

function notStored(topic: string, reason: string, cause?: Error): HubbubError {
  return new HubbubError('PUBLISH_NOT_STORED', `Cannot keep the message to ${JSON.stringify(topic)}: ${reason}`, {
    cause,
  })
}
