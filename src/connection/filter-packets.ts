import { LoopPart } from '../base/loop-times.ts'
import { TURN } from '../base/turn.ts'
import { subscribeDenial } from '../auth/denial.ts'
import type { Log } from '../base/log.ts'
import { type Ledger, type LimitName, LIMITS } from '../observe/ledger.ts'
import { HUB_ITSELF, type Mishaps } from '../observe/mishaps.ts'
import { encodeSuback, encodeUnsuback } from '../protocol/answer-packets.ts'
import { MalformedPacketError } from '../protocol/field-reader.ts'
import { checkFilter, checkRequest5 } from '../protocol/filter-rules.ts'
import { isHistoryFilter, readHistoryFilter } from '../protocol/history-filter.ts'
import { ReasonCode, SUBACK_FAILURE } from '../protocol/reason-codes.ts'
import { isSharedFilter, subscriptionFault } from '../protocol/shared-filter.ts'
import { type FilterPacket, type FilterRequest, readSubscribe, readUnsubscribe } from '../protocol/subscribe-packet.ts'
import { isOverTopicLimit, type TopicLimits } from '../protocol/topic.ts'
import type { Session } from '../session/session.ts'

/** Where the packets come from, and their answers go. */
export interface FilterPacketsOwner {
  sendPacket(packet: Buffer): void
  /** The packet is answered: later frames may go on. */
  proceed(): void
  /** The connection has to end for what is wrong with a packet. */
  malformed(fault: MalformedPacketError): void
}

/** Decides on the filters of one client; its answers come as calls of `subscribed` and `unsubscribed`. */
export interface FilterClient {
  /** Takes at least one filter. */
  subscribe(requests: readonly FilterRequest[]): void
  unsubscribe(filters: readonly string[]): void
}

/** What the packets of a client mean. */
export interface FilterDialect {
  readonly isVersion5: boolean
  /** It is a bridge of MQTT 3.1 or 3.1.1. */
  readonly isBridge: boolean
}

/** What the SUBSCRIBE and UNSUBSCRIBE packets of all connections share. */
export interface FilterPacketsParts {
  readonly ledger: Ledger
  readonly log: Log
  readonly mishaps: Mishaps
  readonly limits: TopicLimits
}

const NONE: readonly never[] = []
const UNSUBSCRIBED: readonly [ReasonCode, ReasonCode] = [ReasonCode.NO_SUBSCRIPTION_EXISTED, ReasonCode.SUCCESS]

/**
 * SUBSCRIBE and UNSUBSCRIBE of one client, on their way to the broker and back; there is one at a time. Each may have thousands of
 * filters, and then takes as many turns of the event loop as it needs.
 */
export class FilterPackets {
  readonly #owner: FilterPacketsOwner
  readonly #session: Session
  readonly #client: FilterClient
  readonly #isVersion5: boolean
  readonly #isBridge: boolean
  readonly #parts: FilterPacketsParts
  #packetId = 0
  #subscribing: readonly FilterRequest[] = NONE
  #unsubscribing: readonly string[] = NONE
  #isEnded = false
  #toldLimits: Set<LimitName> | undefined = undefined

  constructor(
    owner: FilterPacketsOwner,
    session: Session,
    client: FilterClient,
    { isVersion5, isBridge }: FilterDialect,
    parts: FilterPacketsParts,
  ) {
    this.#owner = owner
    this.#session = session
    this.#client = client
    this.#isVersion5 = isVersion5
    this.#isBridge = isBridge
    this.#parts = parts
  }

  /** A filter of the SUBSCRIBE that is not answered yet is over a limit of the hub. */
  get isOverLimit(): boolean {
    const { limits } = this.#parts
    return this.#subscribing.some(({ filter }) => isOverTopicLimit(subscriptionFault, filter, limits))
  }

  /** The connection has ended: nothing goes on. */
  end(): void {
    this.#isEnded = true
  }

  /** Reads a SUBSCRIBE up to its end before the first filter is granted. Keeps the bytes. @throws MalformedPacketError */
  takeSubscribe(body: Buffer): void {
    const isVersion5 = this.#isVersion5
    const packet = readSubscribe(body, 0, body.length, isVersion5, this.#isBridge)
    const requests: FilterRequest[] = []
    const allowed: FilterRequest[] = []
    const take = (request: FilterRequest): void => {
      if (isVersion5) checkRequest5(request)
      requests.push(request)
      if (!isVersion5 || !this.#isTooLarge(request.filter)) allowed.push(request)
    }
    this.#readAll(packet, take, () => {
      this.#subscribing = requests
      if (allowed.length > 0) this.#client.subscribe(allowed)
      else this.subscribed()
    })
  }

  /** Keeps the bytes. @throws MalformedPacketError */
  takeUnsubscribe(body: Buffer): void {
    const filters: string[] = []
    const take = (filter: string): void => {
      checkFilter(filter)
      filters.push(filter)
    }
    this.#readAll(readUnsubscribe(body, 0, body.length, this.#isVersion5), take, () => {
      this.#unsubscribing = filters
      this.#client.unsubscribe(filters)
    })
  }

  /** Reads the filters of a packet, and calls `done` when they are all read; else the connection ends, or has ended meanwhile. */
  #readAll<T>({ packetId, next }: FilterPacket<T>, take: (filter: T) => void, done: () => void): void {
    TURN.repeat(LoopPart.CONTROL, () => {
      if (this.#isEnded) return false
      try {
        const filter = next()
        if (filter !== undefined) {
          take(filter)
          return true
        }
      } catch (error) {
        if (!(error instanceof MalformedPacketError)) throw error
        this.#owner.malformed(error)
        return false
      }
      this.#packetId = packetId
      done()
      return false
    })
  }

  /** The broker has granted all filters of the SUBSCRIBE. */
  subscribed(): void {
    const requests = this.#subscribing
    // Before the answer: the client's next packet may be taken with it.
    this.#subscribing = NONE
    this.#grantAll(requests)
  }

  #grantAll(requests: readonly FilterRequest[]): void {
    const codes: number[] = []
    const replays: FilterRequest[] = []
    TURN.repeat(LoopPart.CONTROL, () => {
      // Another connection may have gone on with the session.
      if (this.#isEnded) return false
      const request = requests[codes.length]
      if (request === undefined) {
        this.#granted(codes, replays)
        return false
      }
      const { filter, retainHandling } = request
      const isNew = !this.#session.subscriptions.has(filter)
      const allowed = this.#allowed(request)
      if (allowed === undefined) {
        codes.push(this.#isVersion5 ? ReasonCode.NOT_AUTHORIZED : SUBACK_FAILURE)
        return true
      }
      const code = this.#grant(allowed)
      codes.push(code)
      // [MQTT5-3.8.4-4], [MQTT5 §4.8.2]: a shared subscription is sent no retained messages.
      const isDue = retainHandling === 0 || (retainHandling === 1 && isNew)
      const isPlain = !isSharedFilter(filter) && !isHistoryFilter(filter)
      if (code === allowed.options.qos && isDue && isPlain) replays.push(allowed)
      return true
    })
  }

  #granted(codes: readonly number[], replays: readonly FilterRequest[]): void {
    this.#session.afterStored(() => {
      this.#owner.sendPacket(encodeSuback(this.#packetId, codes, this.#isVersion5))
      this.#sendRetained(replays)
    })
  }

  /** The last of a SUBSCRIBE: has the retained messages sent that are due. */
  #sendRetained(requests: readonly FilterRequest[]): void {
    let sent = 0
    TURN.repeat(LoopPart.CONTROL, () => {
      if (this.#isEnded) return false
      const request = requests[sent++]
      if (request !== undefined) {
        this.#session.sendRetained(request.filter, request.options)
        return true
      }
      this.#session.drain()
      this.#owner.proceed()
      return false
    })
  }

  /** What the rules let the client have of what it asks for: at a lower QoS maybe, or nothing. */
  #allowed(request: FilterRequest): FilterRequest | undefined {
    const { permissions, denials } = this.#session
    const { filter, options } = request
    if (permissions === undefined || this.#isTooLarge(filter)) return request
    const verdict = permissions.subscribe(filter, true)
    if (verdict.extent === 'none') {
      this.#parts.ledger.deniedSubscriptions++
      denials.note('subscribe', filter, subscribeDenial(verdict, filter))
      return undefined
    }
    return verdict.maxQos >= options.qos ? request : { ...request, options: { ...options, qos: verdict.maxQos } }
  }

  /** Enters a subscription and returns its code in SUBACK. */
  #grant({ filter, options }: FilterRequest): number {
    if (this.#isVersion5 && this.#isTooLarge(filter)) {
      this.#refused('topic', filter)
      return ReasonCode.TOPIC_FILTER_INVALID
    }
    const wanted = isHistoryFilter(filter) ? readHistoryFilter(filter, this.#parts.limits) : undefined
    if (typeof wanted === 'string') {
      const fields = { clientId: this.#session.clientId, filter, reason: wanted }
      this.#parts.log.warn(fields, 'a subscription to the history was refused')
      return this.#isVersion5 ? ReasonCode.TOPIC_FILTER_INVALID : SUBACK_FAILURE
    }
    const limit = this.#session.subscriptions.add(filter, options)
    if (limit === undefined) {
      if (wanted !== undefined) this.#session.sendPast(wanted, options)
      return options.qos
    }
    this.#refused(limit, filter)
    return this.#isVersion5 ? ReasonCode.QUOTA_EXCEEDED : SUBACK_FAILURE
  }

  #refused(limit: LimitName, filter: string): void {
    const { ledger, log, mishaps } = this.#parts
    ledger.hit(limit)
    // Of each limit only the first time is told: many a client asks for thousands.
    this.#toldLimits ??= new Set()
    if (this.#toldLimits.has(limit)) return
    this.#toldLimits.add(limit)
    const { clientId, connection } = this.#session
    const reason = LIMITS[limit]
    log.warn({ clientId, filter, reason }, 'a limit was reached')
    mishaps.note('limit-reached', connection?.report().address ?? HUB_ITSELF, reason, clientId)
  }

  unsubscribed(): void {
    const filters = this.#unsubscribing
    this.#unsubscribing = NONE
    // Nothing is delivered after UNSUBACK [MQTT-3.10.4-2].
    this.#session.afterHandedOver(() => this.#removeAll(filters))
  }

  #removeAll(filters: readonly string[]): void {
    const codes: ReasonCode[] = []
    TURN.repeat(LoopPart.CONTROL, () => {
      if (this.#isEnded) return false
      const filter = filters[codes.length]
      if (filter !== undefined) {
        codes.push(UNSUBSCRIBED[this.#session.subscriptions.remove(filter) ? 1 : 0])
        return true
      }
      this.#session.afterStored(() => {
        this.#owner.sendPacket(encodeUnsuback(this.#packetId, codes, this.#isVersion5))
        this.#owner.proceed()
      })
      return false
    })
  }

  /** The filter is valid but for the hub's limits. */
  #isTooLarge(filter: string): boolean {
    return subscriptionFault(filter, this.#parts.limits) !== undefined
  }
}
