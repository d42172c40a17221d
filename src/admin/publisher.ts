import { HubbubError } from '../base/errors.ts'
import type { Clock } from '../base/clock.ts'
import { Message } from '../protocol/message.ts'
import { encodeMessageProperties, type MessageProperties } from '../protocol/message-properties.ts'
import type { QoS } from '../protocol/packet-types.ts'
import type { Router } from '../router/router.ts'
import { isReservedTopic } from '../router/routes.ts'
import type { Store } from '../store/store.ts'

/** A message that does not come from a client. */
export interface MessageToPublish {
  readonly topic: string
  readonly payload: Buffer
  readonly qos: QoS
  readonly retain: boolean
  readonly properties: MessageProperties
}

/** Why only the hub may publish to a topic. */
export const RESERVED_REASON = 'only the hub publishes to $SYS, $hub and $history'

export interface PublishLimits {
  readonly maxMessageExpirySeconds: number
}

export interface PublisherParts {
  readonly router: Router
  readonly store: Store
  readonly clock: Clock
  readonly limits: PublishLimits
}

interface Waiting {
  readonly batch: number
  resolve(): void
  reject(error: Error): void
}

/** Publishes for those who are no clients, with what clients are promised: what was acknowledged is kept. */
export class Publisher {
  readonly #parts: PublisherParts
  #waiting: Waiting[] = []

  constructor(parts: PublisherParts) {
    this.#parts = parts
  }

  /**
   * Resolves with how many subscribers the message is for, once what has to be kept of it is stored.
   * @throws HubbubError `TOPIC_NAME_INVALID`, `PUBLISH_REFUSED`
   */
  async publish({ topic, payload, qos, retain, properties }: MessageToPublish): Promise<number> {
    const { router, store } = this.#parts
    const message = Message.create(topic, payload, qos, retain, undefined, encodeMessageProperties(properties))
    this.#setExpiry(message, properties.messageExpirySeconds)
    const refusal = this.#refusalOf(message)
    if (refusal !== undefined) {
      throw new HubbubError('PUBLISH_REFUSED', `Cannot publish to ${JSON.stringify(topic)}: ${refusal}`)
    }
    const changesBefore = store.changes
    const matched = router.publishMessage(message)
    const batch = qos === 0 || store.changes === changesBefore ? 0 : store.openBatch
    if (batch > 0) {
      await new Promise<void>((resolve, reject) => {
        this.#waiting.push({ batch, resolve, reject })
      })
    }
    return matched
  }

  onStored(batch: number): void {
    if (this.#waiting.length === 0) return
    const waiting = this.#waiting
    this.#waiting = waiting.filter((one) => one.batch > batch)
    for (const one of waiting) if (one.batch <= batch) one.resolve()
  }

  onFailed(batch: number, error: Error): void {
    const waiting = this.#waiting
    this.#waiting = waiting.filter((one) => one.batch > batch)
    const text = `Cannot publish: the message was taken, but the store could not keep it: ${error.message}`
    for (const one of waiting) if (one.batch <= batch) one.reject(new HubbubError('PUBLISH_REFUSED', text))
  }

  #setExpiry(message: Message, expirySeconds: number | undefined): void {
    const { clock, limits } = this.#parts
    const seconds = Math.min(expirySeconds ?? Infinity, message.qos === 0 ? Infinity : limits.maxMessageExpirySeconds)
    if (seconds !== Infinity) message.expiresAtMs = clock.nowMs() + seconds * 1000
    message.isExpiryForwarded = expirySeconds !== undefined
  }

  #refusalOf(message: Message): string | undefined {
    const { router, store } = this.#parts
    if (isReservedTopic(message.topic)) return RESERVED_REASON
    if (router.isRetainedFull(message)) {
      return 'there is no room for one more retained message (limits.maxRetainedMessages, limits.maxRetainedBytes)'
    }
    return store.isFailing && message.qos > 0 ? 'the store cannot write, so the message could not be kept' : undefined
  }
}
