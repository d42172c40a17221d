// Hot path: `deliver` and `deliverRun` run per message; measured by `npm run bench`, rows "QoS 0".
import type { MemoryBudget } from '../../base/memory-budget.ts'
import type { Clock } from '../../base/clock.ts'
import type { DropReason } from '../../protocol/drop-reasons.ts'
import { Message } from '../../protocol/message.ts'
import type { Delivery } from '../../router/delivery.ts'
import type { Terms } from '../../store/store.ts'
import type { Followed, Trail } from '../../trails/trail.ts'
import type { SessionConnection } from '../session-connection.ts'
import { NewestOfTopic, QueueInMemory, type WaitingMessage } from './waiting-orders.ts'
import { type QueueLimits, WaitingRoom, type WaitingOwner } from './waiting-room.ts'

/** What the QoS 0 halves of a hub share. */
export interface Qos0Parts {
  readonly clock: Clock
  readonly memory: MemoryBudget
  readonly limits: QueueLimits & {
    readonly maxOutputBytes: number
    readonly outputPolicy: 'drop' | 'latest'
  }
}

/** Messages that wait in memory. */
type Room = WaitingRoom<WaitingMessage | undefined>

/** A followed message that was written as the `position`th of its connection. */
interface Written {
  readonly position: number
  readonly followed: Followed
}

/** Stands for each message of a run in turn. */
const SINGLE = new Message()

/** What a session delivers at QoS 0: at once, or as the latest of its topic when the client has caught up, or not at all. */
export class OutgoingQos0 {
  readonly #clientId: string
  readonly #owner: WaitingOwner
  readonly #parts: Qos0Parts
  #connection: SessionConnection | undefined = undefined
  /** What the client is too slow for; undefined: nothing was yet. */
  #latest: Room | undefined = undefined
  #written: Written[] | undefined = undefined
  /** What waits behind the past; undefined: nothing has to. */
  #behindPast: Room | undefined = undefined
  #isPastDue = false

  constructor(clientId: string, owner: WaitingOwner, parts: Qos0Parts) {
    this.#clientId = clientId
    this.#owner = owner
    this.#parts = parts
  }

  /** What is held or written, and not yet taken by the system. */
  get pendingMessages(): number {
    const written = this.#connection === undefined ? 0 : this.#connection.pendingQos0Messages
    const behindPast = this.#behindPast === undefined ? 0 : this.#behindPast.messages
    return written + behindPast + (this.#latest === undefined ? 0 : this.#latest.messages)
  }

  attach(connection: SessionConnection): void {
    this.#connection = connection
  }

  /** The connection is gone, and what was written to it and not taken with it: `lostMessages`. */
  detach(lostMessages: number): void {
    if (lostMessages > 0) this.#owner.drop('connection-lost', lostMessages)
    if (this.#written !== undefined)
      for (const { followed } of this.#written) followed.tell('dropped', 'connection-lost')
    this.#behindPast?.dropAll('connection-lost')
    this.#latest?.dropAll('connection-lost')
    this.#written = undefined
    this.#behindPast = undefined
    this.#isPastDue = false
    this.#latest = undefined
    this.#connection = undefined
  }

  /** `group` is the `$share/…` filter by which the message came. */
  deliver(message: Message, terms: Terms, trail: Trail | undefined, group: string | undefined): void {
    const connection = this.#connection
    if (connection === undefined) {
      this.drop('offline', 1, trail?.at(this.#clientId, group, 0))
    } else if (!connection.fits(message, terms)) {
      this.drop('too-large', 1, trail?.at(this.#clientId, group, 0))
    } else if (this.#behindPast !== undefined) {
      this.#behindPast.push(message, terms, trail?.at(this.#clientId, group, 0))
    } else if (connection.isCongested) {
      this.#deliverLate(connection, message, terms, trail?.at(this.#clientId, group, 0))
    } else {
      connection.sendQos0(message, terms)
      if (trail !== undefined) this.#sent(connection, trail.at(this.#clientId, group, 0))
    }
  }

  deliverRun(run: Message, delivery: Delivery, trail: Trail | undefined): void {
    const connection = this.#connection
    if (connection === undefined) {
      this.drop('offline', run.count, trail?.at(this.#clientId, undefined, 0))
    } else if (!connection.takesRuns || delivery.identifiers.length > 0 || this.#behindPast !== undefined) {
      this.#deliverEach(run, delivery, trail)
    } else if (connection.isCongested) {
      if (run.isMixed) this.#deliverEach(run, delivery, trail)
      else this.#deliverLate(connection, run, delivery.termsFor(run), trail?.at(this.#clientId, undefined, 0))
    } else {
      connection.sendRun(run)
      if (trail !== undefined) this.#sent(connection, trail.at(this.#clientId, undefined, 0))
    }
  }

  /** Counts messages that cannot be delivered, and tells of it. */
  drop(reason: DropReason, count: number, followed: Followed | undefined): void {
    this.#owner.drop(reason, count)
    followed?.tell('dropped', reason)
  }

  /** From now on messages wait until `pastSent`. */
  waitForPast(): void {
    this.#behindPast ??= new WaitingRoom(this.#owner, new QueueInMemory(this.#parts.memory.queues), this.#parts)
    this.#isPastDue = true
  }

  /** The past is sent: what waited behind it can go. */
  pastSent(): void {
    this.#isPastDue = false
    this.drain()
  }

  /** The client has caught up: sends what was held for it. */
  drain(): void {
    const connection = this.#connection
    if (connection === undefined) return
    if (this.#behindPast !== undefined && !this.#isPastDue) {
      this.#sendFrom(connection, this.#behindPast)
      if (this.#behindPast.isEmpty) this.#behindPast = undefined
    }
    if (this.#latest !== undefined) this.#sendFrom(connection, this.#latest)
  }

  /** The system has taken the messages that were written to the connection up to the `position`th. */
  taken(position: number): void {
    const written = this.#written
    if (written === undefined) return
    let taken = 0
    for (; taken < written.length; taken++) {
      const one = written[taken]
      if (one === undefined || one.position > position) break
      one.followed.tell('delivered')
    }
    this.#written = taken === written.length ? undefined : written.slice(taken)
  }

  #sent(connection: SessionConnection, followed: Followed): void {
    followed.tell('sent')
    this.#written ??= []
    this.#written.push({ position: connection.writtenQos0Messages, followed })
  }

  #sendFrom(connection: SessionConnection, room: Room): void {
    while (!connection.isCongested) {
      const next = room.take()
      if (next === undefined) return
      connection.sendQos0(next.message, next.terms)
      if (next.followed !== undefined) this.#sent(connection, next.followed)
    }
  }

  #deliverEach(run: Message, delivery: Delivery, trail: Trail | undefined): void {
    for (let at = run.start; at < run.end;) {
      at = SINGLE.takeFromRun(run, at)
      this.deliver(SINGLE, delivery.termsFor(SINGLE), trail, undefined)
    }
  }

  /** Takes what the client is too slow for: of a run only the last message. */
  #deliverLate(connection: SessionConnection, run: Message, terms: Terms, followed: Followed | undefined): void {
    const { limits, clock, memory } = this.#parts
    if (!connection.isOutputFull) memory.outputs.refuse(run.count)
    if (limits.outputPolicy === 'drop') {
      this.drop(connection.isOutputFull ? 'output-full' : 'no-memory', run.count, followed)
      return
    }
    this.#latest ??= new WaitingRoom(
      this.#owner,
      new NewestOfTopic(memory.queues),
      {
        clock,
        memory,
        limits: { maxQueuedMessages: Infinity, maxQueuedBytes: limits.maxOutputBytes, queuePolicy: 'drop-newest' },
      },
      'output-full',
    )
    if (run.count > 1) this.#owner.drop('replaced', run.count - 1)
    this.#latest.push(lastOf(run), terms, followed)
  }
}

function lastOf(run: Message): Message {
  if (run.count === 1) return run
  const last = new Message()
  for (let at = run.start; at < run.end;) at = last.takeFromRun(run, at)
  return last
}
