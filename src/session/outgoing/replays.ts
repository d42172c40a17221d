// Hot path: `sendSlice` runs through all retained messages of a new subscription; measured by `npm run bench`, rows "retained".
import type { MemoryAccount } from '../../base/memory-account.ts'
import { REPLAY_BYTES } from '../memory-costs.ts'
import { LOOP_TIMES, LoopPart } from '../../base/loop-times.ts'
import type { Clock } from '../../base/clock.ts'
import { Fifo } from '../../base/fifo.ts'
import { TURN } from '../../base/turn.ts'
import type { Message } from '../../protocol/message.ts'
import type { Delivery } from '../../router/delivery.ts'
import type { SessionConnection } from '../session-connection.ts'
import { isExpired } from './waiting-room.ts'

/** Messages for a new subscription; `undefined` is a pause that a long walk offers. */
export type Replayed = Iterator<Message | undefined>

/** Those on their way. */
interface Replay {
  /** What there is, and of it what the client may have. */
  readonly all: Replayed
  messages: Replayed
  readonly delivery: Delivery
  readonly isPast: boolean
}

/** Leaves out of retained messages, or of the past, what a client may not have. */
export interface ReplayFilter {
  allowedOf(messages: Replayed, isPast: boolean): Replayed
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

/** Steps between two looks at whether the turn is used up, the first of them free: a small part of a millisecond. */
const STEPS_BETWEEN_LOOKS = 32

/** Retained messages, or the past, for the new subscriptions of a session: one after the other, in slices of the loop. */
export class Replays {
  readonly #owner: ReplaysOwner
  readonly #clock: Clock
  readonly #memory: MemoryAccount
  readonly #goOn: () => void
  #all = new Fifo<Replay>()
  #pasts = 0
  #isScheduled = false

  /** They count for `memory`. */
  constructor(owner: ReplaysOwner, clock: Clock, memory: MemoryAccount) {
    this.#owner = owner
    this.#memory = memory
    this.#clock = clock
    this.#goOn = () => {
      this.#isScheduled = false
      this.#owner.drain()
    }
  }

  get isEmpty(): boolean {
    return this.#all.length === 0
  }

  /** Replays of the past are not through: what is new waits behind them. */
  get hasPast(): boolean {
    return this.#pasts > 0
  }

  /** `filter` leaves out what the client may not have. */
  add(all: Replayed, delivery: Delivery, isPast: boolean, filter?: ReplayFilter): void {
    this.#all.push({ all, messages: filter?.allowedOf(all, isPast) ?? all, delivery, isPast })
    this.#memory.take(REPLAY_BYTES, REPLAY_BYTES)
    if (isPast) this.#pasts++
  }

  /** What is left of each goes on as the client may have it now. */
  filterAnew(filter: ReplayFilter | undefined): void {
    for (let left = this.#all.length; left > 0; left--) {
      const replay = this.#all.shift()
      if (replay === undefined) return
      replay.messages = filter?.allowedOf(replay.all, replay.isPast) ?? replay.all
      this.#all.push(replay)
    }
  }

  /** The session has ended: nothing is sent any more. */
  end(): void {
    const bytes = this.#all.length * REPLAY_BYTES
    this.#memory.give(bytes, bytes)
    this.#all = new Fifo()
    this.#pasts = 0
  }

  /** The client has gone. The past is for the SUBSCRIBE that asked for it, not for a later connection. */
  dropPast(): void {
    const before = this.#all
    this.#all = new Fifo()
    for (let replay = before.shift(); replay !== undefined; replay = before.shift()) {
      if (replay.isPast) this.#memory.give(REPLAY_BYTES, REPLAY_BYTES)
      else this.#all.push(replay)
    }
    this.#pasts = 0
  }

  /** Sends what there is room for, as far as there is time in this turn; the rest in later ones. */
  sendSlice(connection: SessionConnection): void {
    if (this.#isScheduled || this.#all.length === 0) return
    const before = LOOP_TIMES.enter(LoopPart.REPLAY)
    this.#sendSlice(connection)
    LOOP_TIMES.leave(before)
  }

  #sendSlice(connection: SessionConnection): void {
    for (let step = 0, isOver = false; !isOver; step++) {
      const replay = this.#all.first
      if (replay === undefined) return
      const { messages, delivery, isPast } = replay
      // Room is looked for before a message is taken from the walk: what is taken is sent. The owner comes back here.
      if (connection.isCongested || (delivery.qos > 0 && !this.#owner.hasRoomOn(connection))) return
      const { value: message, done } = messages.next()
      if (done === true) this.#end(isPast)
      else if (message !== undefined && !isExpired(message, this.#clock))
        this.#owner.sendReplayed(connection, message, delivery, isPast)
      // The end of a replay is no pause: the few messages of several filters leave together, before what is answered after them.
      const isPause = message === undefined && done !== true
      isOver = (isPause || step % STEPS_BETWEEN_LOOKS === STEPS_BETWEEN_LOOKS - 1) && TURN.isUsedUp
    }
    this.#schedule()
  }

  #end(isPast: boolean): void {
    this.#all.shift()
    this.#memory.give(REPLAY_BYTES, REPLAY_BYTES)
    if (!isPast || --this.#pasts > 0) return
    this.#owner.pastSent()
    this.#schedule()
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    TURN.wait(this.#goOn)
  }
}
