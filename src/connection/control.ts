import { randomUUID } from 'node:crypto'
import type { Log } from '../base/log.ts'
import type { Ledger } from '../observe/ledger.ts'
import {
  encodeConnack,
  encodeConnack5,
  encodeDisconnect,
  encodeSuback,
  encodeUnsuback,
} from '../protocol/answer-packets.ts'
import { type ConnectPacket, type ForeignConnect, isConnect5, readConnect } from '../protocol/connect-packet.ts'
import { readDisconnect } from '../protocol/disconnect-packet.ts'
import { MalformedPacketError } from '../protocol/field-reader.ts'
import { PACKET_NAMES, PacketType } from '../protocol/packet-types.ts'
import { ConnectReturnCode, ReasonCode, SUBACK_FAILURE } from '../protocol/reason-codes.ts'
import { encodeConnect } from '../protocol/request-packets.ts'
import { isHistoryFilter, readHistoryFilter } from '../protocol/history-filter.ts'
import { isSharedFilter, subscriptionFault } from '../protocol/shared-filter.ts'
import { type FilterRequest, readSubscribe, readUnsubscribe } from '../protocol/subscribe-packet.ts'
import { isOverTopicLimit, NO_TOPIC_LIMITS, type TopicLimits, topicNameFault } from '../protocol/topic.ts'
import type { WillReport } from '../session/client-report.ts'
import type { SessionConnection } from '../session/session-connection.ts'
import type { Session } from '../session/session.ts'
import type { OpenedSession, SessionRequest } from '../session/sessions.ts'
import type { StoredWill } from '../store/store.ts'
import { connackCode, type ConnackLimits, connackProperties, farewellProperties } from './v5/connack5.ts'
import { reportWill, willOf } from './will.ts'

/** What the control side asks of its connection. */
export interface ControlOwner extends SessionConnection {
  /** More connections than the limits allow: this one is to be refused once it says CONNECT. */
  readonly isOverLimit: boolean
  sendPacket(packet: Buffer): void
  /** The CONNACK is sent: from here on the session may send, and the keep-alive counts. */
  connected(session: Session, isPresent: boolean, connect: ConnectPacket, keepAliveSeconds: number): void
  /** The control packet is answered: later frames may go on. */
  proceed(): void
}

/** A client that asks to be admitted. */
export interface ControlAdmission {
  /** Its connection is gone. */
  destroy(): void
}

/** Decides on the control packets of one client; its answers come as calls of the Control it was opened for. */
export interface ControlClient extends ControlAdmission {
  /** Takes at least one filter. */
  subscribe(requests: readonly FilterRequest[]): void
  unsubscribe(filters: readonly string[]): void
  /** The will is not to be published. */
  disconnect(): void
}

/** The control plane: it lets clients in, grants subscriptions and tells when a will is due. */
export interface ControlPlane {
  /** Asks for a client to be admitted, with a CONNECT of MQTT 3.1.1, or 3.1, whose buffer it keeps. */
  open(control: Control, connect: Buffer): ControlAdmission
}

/** What the control sides of all connections share. */
export interface ControlParts {
  readonly broker: ControlPlane
  readonly ledger: Ledger
  readonly log: Log
  readonly limits: ControlLimits
}

export interface ControlLimits extends TopicLimits, ConnackLimits {
  readonly maxKeepAliveSeconds: number
  readonly maxSessionExpirySeconds: number
}

/** A reason against a CONNECT, for the log and for the client in its version of MQTT. */
interface Refusal {
  readonly reason: string
  readonly returnCode: number
  readonly reasonCode: ReasonCode
}

/** What DISCONNECT and CONNACK take besides their Reason String. */
const FAREWELL_HEADER_BYTES = 16
// One of each for all connections that have nothing to say.
const NO_REQUEST: SessionRequest = { clientId: '', isClean: true, expirySeconds: 0 }
const NONE: readonly never[] = []
const DISCONNECTED = 'the client said DISCONNECT'
const UNSUBSCRIBED: readonly [ReasonCode, ReasonCode] = [ReasonCode.NO_SUBSCRIPTION_EXISTED, ReasonCode.SUCCESS]

/**
 * The control packets of one connection, on their way to the broker and back. It checks what Aedes lets pass, gives it a CONNECT of
 * MQTT 3.1.1 in the name of clients of MQTT 5, and writes the answers itself, since Aedes cannot know of sessions without
 * subscriptions, filters given twice, limits or properties.
 */
export class Control {
  readonly connection: ControlOwner
  readonly #parts: ControlParts
  will: StoredWill | undefined = undefined
  request: SessionRequest = NO_REQUEST
  #isVersion5 = false
  #isConnected = false
  /** Until the client is admitted. */
  #admission: ControlAdmission | undefined = undefined
  #client: ControlClient | undefined = undefined
  #connect: ConnectPacket | undefined = undefined
  #session: Session | undefined = undefined
  #isPresent = false
  #packetId = 0
  #subscribing: readonly FilterRequest[] = NONE
  #unsubscribing: readonly string[] = NONE
  #isDisconnecting = false
  #maxPacketBytes = Infinity

  constructor(connection: ControlOwner, parts: ControlParts) {
    this.connection = connection
    this.#parts = parts
  }

  get willReport(): WillReport | undefined {
    return reportWill(this.will)
  }

  /** The session that the broker has let the client have. */
  get session(): Session | undefined {
    return this.#session
  }

  /** The packet that tells the client why its connection ends; only MQTT 5 has one. */
  farewell(reason: string, code: ReasonCode, serverReference: string | undefined): Buffer | undefined {
    if (!this.#isVersion5) return undefined
    const properties = farewellProperties(reason, serverReference, this.#maxPacketBytes - FAREWELL_HEADER_BYTES)
    return this.#isConnected ? encodeDisconnect(code, properties) : encodeConnack5(false, connackCode(code), properties)
  }

  /** Takes one control packet. @throws MalformedPacketError when the connection has to end for it */
  take(type: number, bytes: Buffer, start: number, bodyStart: number, end: number): void {
    const isVersion5 = this.#isVersion5
    switch (type) {
      case PacketType.CONNECT:
        return this.#takeConnect(bytes, start, bodyStart, end)
      case PacketType.SUBSCRIBE: {
        const requests = readSubscribe(bytes, bodyStart, end, isVersion5)
        this.#packetId = bytes.readUInt16BE(bodyStart)
        this.#subscribing = requests
        return isVersion5 ? this.#takeSubscribe5(requests) : this.#client?.subscribe(requests)
      }
      case PacketType.UNSUBSCRIBE:
        this.#unsubscribing = readUnsubscribe(bytes, bodyStart, end, isVersion5)
        this.#packetId = bytes.readUInt16BE(bodyStart)
        for (const filter of this.#unsubscribing) checkFilter(filter)
        return this.#client?.unsubscribe(this.#unsubscribing)
      case PacketType.DISCONNECT:
        return this.#takeDisconnect(bytes, bodyStart, end)
      default:
        throw new MalformedPacketError(`a client may not send ${PACKET_NAMES[type]}`, ReasonCode.PROTOCOL_ERROR)
    }
  }

  #takeConnect(bytes: Buffer, start: number, bodyStart: number, end: number): void {
    // [MQTT-3.1.0-2]
    if (this.#client !== undefined) throw new MalformedPacketError('a second CONNECT', ReasonCode.PROTOCOL_ERROR)
    this.#isVersion5 = isConnect5(bytes, bodyStart, end)
    const connect = readConnect(bytes, bodyStart, end)
    if (connect.clientId !== undefined) this.#maxPacketBytes = connect.properties?.maxPacketBytes ?? Infinity
    const refusal = this.#refusal(connect)
    if (refusal !== undefined) return this.#refuse(refusal)
    if (connect.clientId === undefined) return
    this.#checkWill(connect)
    this.#connect = connect
    const isAssigned = this.#isVersion5 && connect.clientId === ''
    const clientId = isAssigned ? `hubbub-${randomUUID()}` : connect.clientId // [MQTT5-3.1.3-6]
    const expirySeconds = connect.properties?.sessionExpirySeconds ?? (connect.isClean ? 0 : Infinity)
    this.request = { clientId, isClean: connect.isClean, expirySeconds }
    this.will = willOf(connect, clientId)
    const passed = this.#isVersion5 ? encodeConnect(connect, clientId) : Buffer.from(bytes.subarray(start, end))
    this.#admission = this.#parts.broker.open(this, passed)
  }

  #refuse({ reason, returnCode, reasonCode }: Refusal): void {
    // A client of MQTT 5 is told by the farewell.
    if (!this.#isVersion5) this.connection.sendPacket(encodeConnack(false, returnCode))
    throw new MalformedPacketError(`CONNECT refused: ${reason}`, reasonCode)
  }

  #checkWill({ will }: ConnectPacket): void {
    if (will === undefined) return
    const { limits, ledger } = this.#parts
    const fault = topicNameFault(will.topic, limits)
    if (fault === undefined) return
    if (isOverTopicLimit(topicNameFault, will.topic, limits)) ledger.hit('topic')
    throw new MalformedPacketError(`will topic is not valid: ${fault}`, ReasonCode.TOPIC_NAME_INVALID)
  }

  #takeSubscribe5(requests: readonly FilterRequest[]): void {
    for (const { filter, options } of requests) {
      checkFilter(filter)
      if (!options.isNoLocal || !isSharedFilter(filter)) continue
      // [MQTT5-3.8.3-4]
      throw new MalformedPacketError('a shared subscription must not be No Local', ReasonCode.PROTOCOL_ERROR)
    }
    const allowed = requests.filter(({ filter }) => !this.#isTooLarge(filter))
    if (allowed.length > 0) this.#client?.subscribe(allowed)
    else this.subscribed()
  }

  #takeDisconnect(bytes: Buffer, bodyStart: number, end: number): void {
    const { reasonCode, sessionExpirySeconds } = readDisconnect(bytes, bodyStart, end, this.#isVersion5)
    const session = this.#session
    if (sessionExpirySeconds !== undefined && session !== undefined) {
      if (this.request.expirySeconds === 0 && sessionExpirySeconds > 0) {
        // [MQTT5-3.14.2-2]
        const fault = 'DISCONNECT must not keep a session that was to end with its connection'
        throw new MalformedPacketError(fault, ReasonCode.PROTOCOL_ERROR)
      }
      session.changeExpiry(Math.min(sessionExpirySeconds, this.#parts.limits.maxSessionExpirySeconds))
    }
    if (reasonCode === ReasonCode.SUCCESS) {
      // [MQTT-3.1.2-10]
      this.#isDisconnecting = true
      this.#client?.disconnect()
    } else {
      // [MQTT5-3.14.4-3] With every other reason the will is still published.
      this.connection.close(DISCONNECTED, ReasonCode.SUCCESS)
    }
  }

  /** The connection ends, and with it the client, unless it did so before: then its will is published. */
  end(): void {
    this.#admission?.destroy()
    this.#client?.destroy()
  }

  sessionOpened({ session, isPresent }: OpenedSession): void {
    this.#session = session
    this.#isPresent = isPresent
  }

  refused(returnCode: number): void {
    if (!this.#isVersion5) this.connection.sendPacket(encodeConnack(false, returnCode))
    this.connection.close(`CONNECT refused with return code ${returnCode}`, ReasonCode.UNSPECIFIED_ERROR)
  }

  admitted(client: ControlClient): void {
    const session = this.#session
    const isPresent = this.#isPresent
    const connect = this.#connect
    this.#admission = undefined
    this.#client = client
    this.#connect = undefined
    if (session === undefined || connect === undefined) return
    const keepAliveSeconds = this.#keepAlive(connect)
    this.connection.sendPacket(
      connect.properties === undefined
        ? encodeConnack(isPresent && connect.protocolLevel > 3, ConnectReturnCode.ACCEPTED)
        : encodeConnack5(
            isPresent,
            ReasonCode.SUCCESS,
            connackProperties(
              {
                asked: connect.properties,
                clientId: session.clientId,
                isAssigned: connect.clientId === '',
                sessionExpirySeconds: session.state.expirySeconds,
                keepAliveSeconds,
                askedKeepAliveSeconds: connect.keepAliveSeconds,
              },
              this.#parts.limits,
            ),
          ),
    )
    this.#isConnected = true
    this.connection.connected(session, isPresent, connect, keepAliveSeconds)
    this.connection.proceed()
  }

  subscribed(): void {
    const session = this.#session
    const requests = this.#subscribing
    if (session === undefined) return
    const codes: number[] = []
    const replays: FilterRequest[] = []
    for (const request of requests) {
      const { filter, options, retainHandling } = request
      const isNew = !session.subscriptions.has(filter)
      const code = this.#grant(session, request)
      codes.push(code)
      // [MQTT5-3.8.4-4], [MQTT5 §4.8.2]: a shared subscription is sent no retained messages.
      const isDue = retainHandling === 0 || (retainHandling === 1 && isNew)
      const isPlain = !isSharedFilter(filter) && !isHistoryFilter(filter)
      if (code === options.qos && isDue && isPlain) replays.push(request)
    }
    this.#subscribing = NONE
    session.afterStored(() => {
      this.connection.sendPacket(encodeSuback(this.#packetId, codes, this.#isVersion5))
      for (const { filter, options } of replays) session.sendRetained(filter, options)
      session.drain()
      this.connection.proceed()
    })
  }

  /** Enters a subscription and returns its code in SUBACK. */
  #grant(session: Session, { filter, options }: FilterRequest): number {
    if (this.#isVersion5 && this.#isTooLarge(filter)) {
      this.#parts.ledger.hit('topic')
      return ReasonCode.TOPIC_FILTER_INVALID
    }
    const wanted = isHistoryFilter(filter) ? readHistoryFilter(filter, this.#parts.limits) : undefined
    if (typeof wanted === 'string') {
      const fields = { clientId: session.clientId, filter, reason: wanted }
      this.#parts.log.warn(fields, 'a subscription to the history was refused')
      return this.#isVersion5 ? ReasonCode.TOPIC_FILTER_INVALID : SUBACK_FAILURE
    }
    if (session.subscriptions.add(filter, options)) {
      if (wanted !== undefined) session.sendPast(wanted, options)
      return options.qos
    }
    this.#parts.ledger.hit('subscriptions')
    return this.#isVersion5 ? ReasonCode.QUOTA_EXCEEDED : SUBACK_FAILURE
  }

  unsubscribed(): void {
    const session = this.#session
    if (session === undefined) return
    const codes = this.#unsubscribing.map((filter) => UNSUBSCRIBED[session.subscriptions.remove(filter) ? 1 : 0])
    this.#unsubscribing = NONE
    session.afterStored(() => {
      this.connection.sendPacket(encodeUnsuback(this.#packetId, codes, this.#isVersion5))
      this.connection.proceed()
    })
  }

  controlEnded(error: Error | null): void {
    if (error !== null) {
      const { limits, ledger } = this.#parts
      if (this.#subscribing.some(({ filter }) => isOverTopicLimit(subscriptionFault, filter, limits)))
        ledger.hit('topic')
      this.connection.close(error.message, ReasonCode.UNSPECIFIED_ERROR)
    } else if (this.#isDisconnecting) this.connection.close(DISCONNECTED, ReasonCode.SUCCESS)
    else this.connection.close('the broker ended the client', ReasonCode.UNSPECIFIED_ERROR)
  }

  /** The filter is valid but for the hub's limits. */
  #isTooLarge(filter: string): boolean {
    return subscriptionFault(filter, this.#parts.limits) !== undefined
  }

  /** The keep-alive that holds: a client of MQTT 5 can be told another than it asked for [MQTT5 §3.2.2.3.14]. */
  #keepAlive({ keepAliveSeconds, properties }: ConnectPacket): number {
    const { maxKeepAliveSeconds } = this.#parts.limits
    if (properties === undefined || maxKeepAliveSeconds === Infinity) return keepAliveSeconds
    return keepAliveSeconds === 0 ? maxKeepAliveSeconds : Math.min(keepAliveSeconds, maxKeepAliveSeconds)
  }

  #refusal(connect: ConnectPacket | ForeignConnect): Refusal | undefined {
    if (connect.clientId === undefined) {
      return {
        reason: `protocol level ${connect.protocolLevel} is not spoken here, only MQTT 3.1, 3.1.1 and 5`,
        returnCode: ConnectReturnCode.UNACCEPTABLE_PROTOCOL_VERSION,
        reasonCode: ReasonCode.UNSUPPORTED_PROTOCOL_VERSION,
      }
    }
    const { clientId, isClean, protocolLevel, properties } = connect
    if (clientId === '' && (protocolLevel === 3 || (protocolLevel === 4 && !isClean))) {
      // [MQTT-3.1.3-8], and MQTT 3.1 knows no empty identifier
      return {
        reason: 'the client identifier is empty and the session is to be kept',
        returnCode: ConnectReturnCode.IDENTIFIER_REJECTED,
        reasonCode: ReasonCode.CLIENT_IDENTIFIER_NOT_VALID,
      }
    }
    if (properties?.authenticationMethod !== undefined) {
      return {
        reason: `the hub knows no authentication method ${JSON.stringify(properties.authenticationMethod)}: use none`,
        returnCode: ConnectReturnCode.NOT_AUTHORIZED,
        reasonCode: ReasonCode.BAD_AUTHENTICATION_METHOD,
      }
    }
    if (!this.connection.isOverLimit) return undefined
    return {
      reason: 'too many connections',
      returnCode: ConnectReturnCode.SERVER_UNAVAILABLE,
      reasonCode: ReasonCode.QUOTA_EXCEEDED,
    }
  }
}

/** @throws MalformedPacketError when a topic filter is not valid, whatever the limits are */
function checkFilter(filter: string): void {
  const fault = subscriptionFault(filter, NO_TOPIC_LIMITS)
  if (fault !== undefined)
    throw new MalformedPacketError(`topic filter ${JSON.stringify(filter)} is not valid: ${fault}`)
}
