import type { MemoryBudget } from '../base/memory-budget.ts'
import { randomUUID } from 'node:crypto'
import type { Identity } from '../auth/identity.ts'
import { LOOP_TIMES, LoopPart } from '../base/loop-times.ts'
import { TURN } from '../base/turn.ts'
import type { Ledger, LimitName } from '../observe/ledger.ts'
import type { Mishaps } from '../observe/mishaps.ts'
import { encodeConnack } from '../protocol/answer-packets.ts'
import { isBridgeState } from '../protocol/bridge-state.ts'
import { type ConnectPacket, isConnect5, readConnect } from '../protocol/connect-packet.ts'
import { readAuth } from '../protocol/auth-packet.ts'
import { readDisconnect } from '../protocol/disconnect-packet.ts'
import { MalformedPacketError } from '../protocol/field-reader.ts'
import { checkFlags } from '../protocol/fixed-header.ts'
import { PACKET_NAMES, PacketType } from '../protocol/packet-types.ts'
import { ConnectReturnCode, ReasonCode } from '../protocol/reason-codes.ts'
import { encodeConnect } from '../protocol/request-packets.ts'
import type { TopicLimits } from '../protocol/topic.ts'
import type { WillReport } from '../session/client-report.ts'
import type { SessionConnection } from '../session/session-connection.ts'
import { willBytes } from '../session/memory-costs.ts'
import type { Session } from '../session/session.ts'
import type { OpenedSession, SessionRequest } from '../session/sessions.ts'
import type { StoredWill } from '../store/store.ts'
import { type Agreement, type ConnackLimits, encodeAgreement, encodeFarewell, keepAliveOf } from './v5/connack5.ts'
import { checkRemainingLength } from './v5/version5.ts'
import type { ControlAdmission, ControlClient, ControlPlane } from './control-plane.ts'
import { Entry, type EntryOwner, type EntryParts } from './entry.ts'
import { FilterPackets, type FilterPacketsOwner } from './filter-packets.ts'
import { type Refusal, refusalByBroker, refusalOf } from './refusal.ts'
import type { Door } from './transport.ts'
import { checkWill, reportWill, willOf } from './will.ts'

/** What the control side asks of its connection. */
export interface ControlOwner extends SessionConnection {
  /** The limit that this connection is over: it is to be refused once it says CONNECT. */
  readonly overLimit: LimitName | undefined
  /** Its client says by its will that it is a bridge, which tells of itself on the same topic. */
  mayTellState: boolean
  readonly transport: { readonly remoteAddress: string; readonly remoteHost: string; readonly door: Door }
  sendPacket(packet: Buffer): void
  /** A stranger's next packet has to come in time. */
  awaitPacket(): void
  /** The client is let in: its CONNACK leaves now, or when what it promises is stored. */
  admitted(connect: ConnectPacket, keepAliveSeconds: number): void
  /** The CONNACK is sent: from here on the session may send, and the keep-alive counts. */
  connected(session: Session, isPresent: boolean, connect: ConnectPacket, keepAliveSeconds: number): void
  /** What waits behind a control packet may go on: it is answered. */
  proceed(): void
  /** The connection has to end for what is wrong with a packet. */
  malformed(fault: MalformedPacketError): void
}

/** What the control sides of all connections share. */
export interface ControlParts extends EntryParts {
  readonly broker: ControlPlane<Control>
  readonly memory: MemoryBudget
  readonly ledger: Ledger
  readonly mishaps: Mishaps
  readonly limits: ControlLimits
}

export interface ControlLimits extends TopicLimits, ConnackLimits {
  readonly maxKeepAliveSeconds: number
  readonly maxSessionExpirySeconds: number
}

/** A control packet that waits for its turn. */
interface WaitingPacket {
  readonly type: number
  readonly bytes: Buffer
  readonly bodyStart: number
}

// One of each for all connections that have nothing to say.
const NO_REQUEST: SessionRequest = {
  clientId: '',
  isClean: true,
  expirySeconds: 0,
  willBytes: 0,
  identity: undefined,
}
const DISCONNECTED = 'the client said DISCONNECT'

/**
 * The control packets of one connection, on their way to the broker and back. It checks what Aedes lets pass, gives it a CONNECT of
 * MQTT 3.1.1 in the name of clients of MQTT 5, and writes the answers itself, since Aedes cannot know of sessions without
 * subscriptions, filters given twice, limits or properties.
 */
export class Control implements FilterPacketsOwner, EntryOwner {
  readonly connection: ControlOwner
  readonly #parts: ControlParts
  will: StoredWill | undefined = undefined
  request: SessionRequest = NO_REQUEST
  #isVersion5 = false
  #isBridge = false
  #isConnected = false
  /** While it is found out who the client is. */
  #entry: Entry | undefined = undefined
  /** Until the client is admitted. */
  #admission: ControlAdmission | undefined = undefined
  #client: ControlClient | undefined = undefined
  #connect: ConnectPacket | undefined = undefined
  #session: Session | undefined = undefined
  #isPresent = false
  #isInPlaceOfKept = false
  /** There is one when a SUBSCRIBE or UNSUBSCRIBE has come. */
  #filters: FilterPackets | undefined = undefined
  #waiting: WaitingPacket | undefined = undefined
  /** A packet is being taken, and whether its answer came before the call returned. */
  #isTaking = false
  #isAnswered = false
  #isDisconnecting = false
  #isEnded = false
  #maxPacketBytes = Infinity

  constructor(connection: ControlOwner, parts: ControlParts) {
    this.connection = connection
    this.#parts = parts
  }

  get willReport(): WillReport | undefined {
    return reportWill(this.will)
  }

  /** It is being found out who the client is. */
  get isStranger(): boolean {
    return this.#entry !== undefined && this.#session === undefined
  }

  /** The session that the broker has let the client have. */
  get session(): Session | undefined {
    return this.#session
  }

  /** The packet that tells the client why its connection ends; only MQTT 5 has one. */
  farewell(reason: string, code: ReasonCode, serverReference: string | undefined): Buffer | undefined {
    if (!this.#isVersion5) return undefined
    return encodeFarewell(this.#isConnected, code, reason, serverReference, this.#maxPacketBytes)
  }

  /**
   * Takes one control packet, now or when it is its turn. False if later frames have to wait for its answer.
   * @throws MalformedPacketError when the connection has to end for it
   */
  receive(type: number, bytes: Buffer, start: number, bodyStart: number, end: number): boolean {
    this.#parts.ledger.otherReceived++
    if (!TURN.isFull) return this.#takeNow(type, bytes, start, bodyStart, end)
    this.#waiting = { type, bytes: Buffer.from(bytes.subarray(start, end)), bodyStart: bodyStart - start }
    TURN.waitWith(takeWaiting, this)
    return false
  }

  /** Takes the packet that has waited for its turn; only for the callback below. */
  takeWaiting(): void {
    const packet = this.#waiting
    this.#waiting = undefined
    if (packet === undefined || this.#isEnded) return
    const { type, bytes, bodyStart } = packet
    try {
      if (this.#takeNow(type, bytes, 0, bodyStart, bytes.length)) this.connection.proceed()
    } catch (error) {
      if (!(error instanceof MalformedPacketError)) throw error
      this.connection.malformed(error)
    }
  }

  /** The packet is answered: later frames may go on. */
  proceed(): void {
    if (this.#isTaking) this.#isAnswered = true
    else this.connection.proceed()
  }

  /** Sends a packet with nothing that can be left out; the connection ends when it is larger than the client takes [MQTT5-3.1.2-24]. */
  sendPacket(packet: Buffer): void {
    if (this.#fits(packet)) {
      this.connection.sendPacket(packet)
      return
    }
    const name = PACKET_NAMES[(packet[0] ?? 0) >> 4]
    const reason = `${name} of ${packet.length} bytes is over the Maximum Packet Size of the client, ${this.#maxPacketBytes}`
    this.connection.close(reason, ReasonCode.PACKET_TOO_LARGE)
  }

  malformed(fault: MalformedPacketError): void {
    this.connection.malformed(fault)
  }

  #fits(packet: Buffer): boolean {
    return packet.length <= this.#maxPacketBytes
  }

  #takeNow(type: number, bytes: Buffer, start: number, bodyStart: number, end: number): boolean {
    this.#isAnswered = false
    this.#isTaking = true
    const before = LOOP_TIMES.enter(LoopPart.CONTROL)
    try {
      this.#take(type, bytes, start, bodyStart, end)
    } finally {
      this.#isTaking = false
      LOOP_TIMES.leave(before)
    }
    return this.#isAnswered && !this.#isEnded
  }

  #take(type: number, bytes: Buffer, start: number, bodyStart: number, end: number): void {
    if (this.#connect !== undefined && type !== PacketType.AUTH && type !== PacketType.DISCONNECT) {
      // [MQTT5-3.1.2-30]
      const fault = `${PACKET_NAMES[type]} came while the client was to show who it is`
      throw new MalformedPacketError(fault, ReasonCode.PROTOCOL_ERROR)
    }
    switch (type) {
      case PacketType.CONNECT:
        return this.#takeConnect(bytes, start, bodyStart, end)
      case PacketType.SUBSCRIBE:
      case PacketType.UNSUBSCRIBE: {
        // A copy: the turn may be used up before it is read to its end, however short it is.
        const body = Buffer.from(bytes.subarray(bodyStart, end))
        const filters = (this.#filters ??= this.#createFilters())
        return type === PacketType.SUBSCRIBE ? filters?.takeSubscribe(body) : filters?.takeUnsubscribe(body)
      }
      case PacketType.DISCONNECT:
        return this.#takeDisconnect(bytes, bodyStart, end)
      case PacketType.AUTH:
        checkFlags(bytes[start] ?? 0, 5)
        return this.#takeAuth(bytes, bodyStart, end)
      default:
        throw new MalformedPacketError(`a client may not send ${PACKET_NAMES[type]}`, ReasonCode.PROTOCOL_ERROR)
    }
  }

  #takeAuth(bytes: Buffer, bodyStart: number, end: number): void {
    if (this.#entry === undefined)
      throw new MalformedPacketError(
        'a client may not send AUTH: its CONNECT named no method',
        ReasonCode.PROTOCOL_ERROR,
      )
    this.#entry.receive(readAuth(bytes, bodyStart, end))
    // Meanwhile a client that is connected goes on as who it is.
    if (this.#session !== undefined) this.proceed()
  }

  /** The first of them has come. */
  #createFilters(): FilterPackets | undefined {
    const session = this.#session
    const client = this.#client
    if (session === undefined || client === undefined) return undefined
    return new FilterPackets(
      this,
      session,
      client,
      { isVersion5: this.#isVersion5, isBridge: this.#isBridge },
      this.#parts,
    )
  }

  #takeConnect(bytes: Buffer, start: number, bodyStart: number, end: number): void {
    // [MQTT-3.1.0-2]
    if (this.#client !== undefined) throw new MalformedPacketError('a second CONNECT', ReasonCode.PROTOCOL_ERROR)
    this.#isVersion5 = isConnect5(bytes, bodyStart, end)
    if (this.#isVersion5) checkRemainingLength(bytes, start, bodyStart)
    const connect = readConnect(bytes, bodyStart, end)
    if (connect.clientId !== undefined) this.#maxPacketBytes = connect.properties?.maxPacketBytes ?? Infinity
    const refusal = refusalOf(connect, this.connection.overLimit)
    if (refusal !== undefined) return this.refuse(refusal)
    if (connect.clientId === undefined) return
    checkWill(connect, this.#parts)
    this.#connect = connect
    this.#isBridge = connect.isBridge
    // [MQTT-3.1.3-6] [MQTT5-3.1.3-6]
    const clientId = connect.clientId === '' ? `hubbub-${randomUUID()}` : connect.clientId
    const method = connect.properties?.authenticationMethod
    if (this.#parts.gate.isOpen && method === undefined) return this.letIn(connect, clientId, undefined)
    this.#entry = new Entry(this, this.#parts, connect, clientId)
    this.#entry.begin()
  }

  /** Hands a CONNECT to the broker. `identity` is undefined where there are no users. */
  letIn(connect: ConnectPacket, clientId: string, identity: Identity | undefined): void {
    const expirySeconds = connect.properties?.sessionExpirySeconds ?? (connect.isClean ? 0 : Infinity)
    this.will = willOf(connect, clientId, identity)
    this.connection.mayTellState = this.will !== undefined && isBridgeState(this.will.message)
    this.request = { clientId, isClean: connect.isClean, expirySeconds, willBytes: willBytes(this.will), identity }
    this.#admission = this.#parts.broker.open(this, encodeConnect(clientId, connect.isClean))
  }

  /** @throws MalformedPacketError, which ends the connection */
  refuse({ reason, returnCode, reasonCode }: Refusal): never {
    // A client of MQTT 5 is told by the farewell.
    if (!this.#isVersion5) this.connection.sendPacket(encodeConnack(false, returnCode))
    throw new MalformedPacketError(`CONNECT refused: ${reason}`, reasonCode)
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
      if (this.#client === undefined) this.connection.close(DISCONNECTED, ReasonCode.SUCCESS)
      else this.#client.disconnect()
    } else {
      // [MQTT5-3.14.4-3] With every other reason the will is still published.
      this.connection.close(DISCONNECTED, ReasonCode.SUCCESS)
    }
  }

  /** The connection ends, and with it the client, unless it did so before: then its will is published. */
  end(): void {
    this.#isEnded = true
    this.#entry?.end()
    this.#filters?.end()
    if (this.#session !== undefined) this.#parts.memory.sessions.give(this.request.willBytes, 0)
    this.#admission?.destroy()
    this.#client?.destroy()
  }

  sessionOpened({ session, isPresent, isInPlaceOfKept }: OpenedSession): void {
    this.#session = session
    this.#isPresent = isPresent
    this.#isInPlaceOfKept = isInPlaceOfKept
    this.#parts.memory.sessions.take(this.request.willBytes, 0)
  }

  refused(returnCode: number): void {
    if (!this.#isVersion5) this.connection.sendPacket(encodeConnack(false, returnCode))
    const { reason, reasonCode } = refusalByBroker(returnCode)
    this.connection.close(reason, reasonCode)
  }

  admitted(client: ControlClient): void {
    const session = this.#session
    const connect = this.#connect
    this.#admission = undefined
    this.#client = client
    this.#connect = undefined
    if (session === undefined || connect === undefined) return
    const keepAliveSeconds = keepAliveOf(connect, this.#parts.limits.maxKeepAliveSeconds)
    this.connection.admitted(connect, keepAliveSeconds)
    const accept = (): void => this.#accept(session, connect, keepAliveSeconds)
    // The will is stored [MQTT-3.1.2-8], and so is that there is no older session any more [MQTT-3.1.2-6].
    if (this.will === undefined && !this.#isInPlaceOfKept) accept()
    else session.afterAttempt(accept)
  }

  #accept(session: Session, connect: ConnectPacket, keepAliveSeconds: number): void {
    const isPresent = this.#isPresent
    const { properties } = connect
    if (properties === undefined) {
      this.sendPacket(encodeConnack(isPresent && connect.protocolLevel > 3, ConnectReturnCode.ACCEPTED))
    } else {
      const agreement: Agreement = {
        asked: properties,
        clientId: session.clientId,
        isAssigned: connect.clientId === '',
        sessionExpirySeconds: session.state.expirySeconds,
        keepAliveSeconds,
        askedKeepAliveSeconds: connect.keepAliveSeconds,
        authenticationData: this.#entry?.lastMessage,
      }
      this.sendPacket(encodeAgreement(isPresent, agreement, this.#parts.limits, this.#maxPacketBytes))
      if (this.#isEnded) return
    }
    this.#isConnected = true
    this.connection.connected(session, isPresent, connect, keepAliveSeconds)
    this.proceed()
  }

  subscribed(): void {
    this.#filters?.subscribed()
  }

  unsubscribed(): void {
    this.#filters?.unsubscribed()
  }

  controlEnded(error: Error | null): void {
    if (error !== null) {
      if (this.#filters?.isOverLimit === true) this.#parts.ledger.hit('topic')
      this.connection.close(error.message, ReasonCode.UNSPECIFIED_ERROR)
    } else if (this.#isDisconnecting) this.connection.close(DISCONNECTED, ReasonCode.SUCCESS)
    else this.connection.close('the broker ended the client', ReasonCode.UNSPECIFIED_ERROR)
  }
}

function takeWaiting(control: Control): void {
  control.takeWaiting()
}
