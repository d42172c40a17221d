import { Fifo } from '../base/fifo.ts'
import { LOOP_TIMES, LoopPart } from '../base/loop-times.ts'
import { TURN } from '../base/turn.ts'
import type { Ledger } from '../observe/ledger.ts'
import type { Message } from '../protocol/message.ts'
import type { Trail } from '../trails/trail.ts'
import type { Delivery } from './delivery.ts'

/** Most that a message is handed to in one turn. Their outputs have memory that is used again, for more it would be made anew. */
const PIECE = 256
/** Deliveries between two looks at whether the turn is used up: well under a millisecond. */
const DELIVERIES_BETWEEN_LOOKS = 32

/** A message, or a run of them, on its way to very many. */
interface Spread {
  readonly number: number
  /** Kept as it is. */
  readonly message: Message
  readonly deliveries: readonly Delivery[]
  readonly trail: Trail | undefined
  /** Deliveries that are done. */
  at: number
}

interface Waiting {
  /** The last spread that is waited for. */
  readonly number: number
  readonly proceed: () => void
}

/** Hands a message over for one delivery. */
export type Deliver = (message: Message, delivery: Delivery, trail: Trail | undefined) => void

/**
 * Messages that go to so many that one turn is not enough: they are handed over a piece in each turn, in the order of the receivers.
 *
 *   1. Who gets a message is decided when it is published. What is published to a topic while one is on its way there waits behind
 *      it, so that all receivers have the messages of a topic in the same order [MQTT-4.6.0-6].
 *   2. `afterAll` tells when what was published so far has been handed to all: nothing is acknowledged before, to its publisher or
 *      to who unsubscribes.
 *   3. A publisher is not read from meanwhile, so that each has one chunk here at most.
 */
export class Spreads {
  /** How many there have been. */
  begun = 0
  readonly #deliver: Deliver
  readonly #ledger: Ledger
  readonly #byTopic = new Map<string, Fifo<Spread>>()
  /** Those that are not through, the oldest first. */
  readonly #open = new Set<number>()
  #waiting: Waiting[] = []
  #isClosed = false

  constructor(deliver: Deliver, ledger: Ledger) {
    this.#deliver = deliver
    this.#ledger = ledger
  }

  /** No message would have to wait for others. */
  get isIdle(): boolean {
    return this.#byTopic.size === 0
  }

  /** A message to this topic would have to wait for others. */
  isBefore(message: Message): boolean {
    return this.#byTopic.size > 0 && this.#byTopic.has(message.topic)
  }

  /** Has a message handed over in later turns. Returns how many it is for. */
  add(message: Message, deliveries: readonly Delivery[], trail: Trail | undefined): number {
    const { topic } = message
    const spread = { number: ++this.begun, message: message.keepWhole(), deliveries, trail, at: 0 }
    this.#open.add(spread.number)
    const others = this.#byTopic.get(topic)
    if (others === undefined) {
      const all = new Fifo<Spread>()
      all.push(spread)
      this.#byTopic.set(topic, all)
      TURN.wait(() => this.#goOn(topic, all))
    } else {
      others.push(spread)
    }
    if (this.#isClosed) this.finish()
    return deliveries.length - (deliveries.some((delivery) => isOwn(delivery, message)) ? 1 : 0)
  }

  /** Calls `proceed` when all that was published so far has been handed over: at once, or later. */
  afterAll(proceed: () => void): void {
    if (this.#open.size === 0) proceed()
    else this.#waiting.push({ number: this.begun, proceed })
  }

  /** Hands over all that is left, and from now on what comes at once. */
  close(): void {
    this.#isClosed = true
    this.finish()
  }

  /** Hands over all that is left. */
  finish(): void {
    for (const all of this.#byTopic.values()) {
      for (let spread = all.shift(); spread !== undefined; spread = all.shift()) {
        this.#handOver(spread, spread.deliveries.length)
        this.#end(spread)
      }
    }
    this.#byTopic.clear()
  }

  #goOn(topic: string, all: Fifo<Spread>): void {
    const spread = all.first
    if (spread === undefined) return
    const before = LOOP_TIMES.enter(LoopPart.FAN_OUT)
    const end = Math.min(spread.deliveries.length, spread.at + PIECE)
    do this.#handOver(spread, Math.min(end, spread.at + DELIVERIES_BETWEEN_LOOKS))
    while (spread.at < end && !TURN.isUsedUp)
    if (spread.at === spread.deliveries.length) {
      all.shift()
      if (all.length === 0) this.#byTopic.delete(topic)
      this.#end(spread)
    }
    LOOP_TIMES.leave(before)
    if (all.length > 0) TURN.wait(() => this.#goOn(topic, all))
  }

  #handOver(spread: Spread, end: number): void {
    const { message, deliveries, trail } = spread
    for (; spread.at < end; spread.at++) {
      const delivery = deliveries[spread.at]
      if (delivery === undefined || isOwn(delivery, message)) continue
      const isNotFor = delivery.isNoLocal && delivery.subscriber.clientId === message.publisher
      // Counted as it goes, so that the ledger is even at any time.
      this.#ledger.matched += message.count
      this.#deliver(message, isNotFor ? (delivery.own ?? delivery) : delivery, trail)
    }
  }

  #end({ number }: Spread): void {
    this.#open.delete(number)
    if (this.#waiting.length === 0) return
    const [oldest = Infinity] = this.#open
    const due = this.#waiting.filter((one) => one.number < oldest)
    this.#waiting = this.#waiting.filter((one) => one.number >= oldest)
    for (const { proceed } of due) proceed()
  }
}

/** The message is of the subscriber itself, which does not want its own. */
function isOwn({ isNoLocal, own, subscriber }: Delivery, { publisher }: Message): boolean {
  return isNoLocal && own === undefined && subscriber.clientId === publisher
}
