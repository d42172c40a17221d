// Hot path: `sendSlice` runs through all retained messages of a new subscription; measured by `npm run bench`, rows "retained".
import { LOOP_TIMES, LoopPart } from '../../base/loop-times.ts'
import type { Clock } from '../../base/clock.ts'
import type { Message } from '../../protocol/message.ts'
import type { Delivery } from '../../router/delivery.ts'
import type { SessionConnection } from '../session-connection.ts'
import { isExpired } from './waiting-room.ts'

/** Messages on their way to a new subscription; `undefined` is a pause that a long walk offers. */
interface Replay {
  readonly messages: Iterator<Message | undefined>
  readonly delivery: Delivery
  readonly isPast: boolean
}

/** Whose subscriptions they are. */
export interface ReplaysOwner {
  hasRoomOn(connection: SessionConnection): boolean
  /** Sends a message for which there is room. */
  sendReplayed(connection: SessionConnection, message: Message, delivery: Delivery, isPast: boolean): void
  /** `sendSlice` is due once more. */
  drain(): void
  /** All replays of the past are through. */
  pastSent(): void
}

/** Steps of a replay before the loop is let go: well under 10 ms even when each step sends a message. */
const SLICE_STEPS = 2000

/** Retained messages, or the past, for the new subscriptions of a session: one after the other, in slices of the loop. */
export class Replays {
  readonly #owner: ReplaysOwner
  readonly #clock: Clock
  readonly #all: Replay[] = []
  #pasts = 0
  #isScheduled = false

  constructor(owner: ReplaysOwner, clock: Clock) {
    this.#owner = owner
    this.#clock = clock
  }

  get isEmpty(): boolean {
    return this.#all.length === 0
  }

  /** Replays of the past are not through: what is new waits behind them. */
  get hasPast(): boolean {
    return this.#pasts > 0
  }

  add(messages: Iterator<Message | undefined>, delivery: Delivery, isPast: boolean): void {
    this.#all.push({ messages, delivery, isPast })
    if (isPast) this.#pasts++
  }

  /** The client has gone. The past is for the SUBSCRIBE that asked for it, not for a later connection. */
  dropPast(): void {
    for (let i = this.#all.length; i-- > 0;) if (this.#all[i]?.isPast === true) this.#all.splice(i, 1)
    this.#pasts = 0
  }

  /** Sends what there is room for, up to a slice; then the rest when the loop comes round. */
  sendSlice(connection: SessionConnection): void {
    const before = LOOP_TIMES.enter(LoopPart.REPLAY)
    this.#sendSlice(connection)
    LOOP_TIMES.leave(before)
  }

  #sendSlice(connection: SessionConnection): void {
    if (this.#isScheduled) return
    for (let step = 0; step < SLICE_STEPS; step++) {
      const replay = this.#all[0]
      if (replay === undefined) return
      const { messages, delivery, isPast } = replay
      // Room is looked for before a message is taken from the walk: what is taken is sent. The owner comes back here.
      if (connection.isCongested || (delivery.qos > 0 && !this.#owner.hasRoomOn(connection))) return
      const { value: message, done } = messages.next()
      if (done === true) this.#end(isPast)
      else if (message === undefined) break
      else if (!isExpired(message, this.#clock)) this.#owner.sendReplayed(connection, message, delivery, isPast)
    }
    this.#isScheduled = true
    setImmediate(goOn, this)
  }

  /** The next slice; only for the callback below. */
  goOn(): void {
    this.#isScheduled = false
    this.#owner.drain()
  }

  #end(isPast: boolean): void {
    this.#all.shift()
    if (!isPast || --this.#pasts > 0) return
    this.#owner.pastSent()
    setImmediate(goOn, this)
  }
}

function goOn(replays: Replays): void {
  replays.goOn()
}
