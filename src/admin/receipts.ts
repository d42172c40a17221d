import type { Clock } from '../base/clock.ts'
import type { DropReason } from '../protocol/drop-reasons.ts'
import type { Outcome, Trail } from '../trails/trail.ts'
import { Message } from '../protocol/message.ts'
import type { QoS } from '../protocol/packet-types.ts'
import type { Router } from '../router/router.ts'
import type { Publisher } from './publisher.ts'

/** Changes that come faster are told together. */
const TOLD_EVERY_MS = 20

/** After these nothing more becomes of a message at a receiver. */
const LAST_OUTCOMES: ReadonlySet<Outcome> = new Set(['delivered', 'acknowledged', 'handed-on', 'dropped'])

/** What a receipt says, as JSON in its payload. What is undefined is left out. */
export interface Receipt {
  /** The value of the User Property `receipt`. */
  readonly receipt: string
  readonly topic: string
  /** When the hub took the message, in ms since 1970. */
  readonly atMs: number
  /** Sessions and shared subscriptions that it was for. */
  readonly matched: number
  /** Why the hub did not take the message, or could not follow it: nothing more is told of it. */
  readonly refused: string | undefined
  /** Receivers by what the message is to them now. */
  readonly counts: Readonly<Partial<Record<Outcome, number>>>
  /** At most 100 receivers, in the order in which they were first heard of. */
  readonly receivers: readonly ReceiptStep[]
  /** Those of `matched` that are not among the receivers: there were too many to follow. */
  readonly omittedReceivers: number
  /** No more receipts follow for this message. */
  readonly isFinal: boolean
}

export interface ReceiptStep {
  /** Null: it waits for a shared subscription, or went to a program that embeds the hub. */
  readonly clientId: string | null
  /** The `$share/…` filter that it came by. */
  readonly group: string | undefined
  readonly outcome: Outcome
  /** Why it was dropped. */
  readonly reason: DropReason | undefined
  readonly qos: QoS
  readonly afterMs: number
}

/**
 * Tells publishers that ask for it (User Property `receipt`) what became of their messages: on `$hub/receipts/<client id>`, at
 * QoS 1, the newest state of a message each time it has changed.
 */
export class Receipts {
  readonly #router: Router
  readonly #publisher: Publisher
  readonly #clock: Clock
  readonly #changed = new Set<Trail>()
  #toldAtMs = 0
  #timer: NodeJS.Timeout | undefined = undefined

  constructor(router: Router, publisher: Publisher, clock: Clock) {
    this.#router = router
    this.#publisher = publisher
    this.#clock = clock
  }

  /** Something became of a message. */
  changed(trail: Trail): void {
    this.#changed.add(trail)
    this.#timer ??= setTimeout(() => this.#tell(), Math.max(0, this.#toldAtMs + TOLD_EVERY_MS - this.#clock.nowMs()))
  }

  /** Leaves no timer. */
  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#changed.clear()
  }

  #tell(): void {
    this.#timer = undefined
    this.#toldAtMs = this.#clock.nowMs()
    const changed = [...this.#changed]
    this.#changed.clear()
    for (const trail of changed) {
      const topic = `$hub/receipts/${trail.publisher ?? ''}`
      if (this.#router.subscribersOf(topic).length === 0) continue
      const payload = Buffer.from(JSON.stringify(receiptOf(trail)))
      this.#publisher.publishOwn(Message.create(topic, payload, 1, false, undefined))
    }
  }
}

function receiptOf(trail: Trail): Receipt {
  const { receipt = '', topic, atMs, matched, refusal, steps, omittedReceivers } = trail
  const counts: Partial<Record<Outcome, number>> = {}
  for (const { outcome } of steps) counts[outcome] = (counts[outcome] ?? 0) + 1
  return {
    receipt,
    topic,
    atMs: Math.round(atMs),
    matched,
    refused: refusal,
    counts,
    receivers: steps.map((step) =>
      Object.assign({}, step, { clientId: step.clientId ?? null, afterMs: Math.round(step.afterMs * 10) / 10 }),
    ),
    omittedReceivers,
    isFinal: steps.every(({ outcome }) => LAST_OUTCOMES.has(outcome)),
  }
}
