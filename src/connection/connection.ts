// Hot path: `frame` runs per packet received; measured by `npm run bench`, all rows.
import { LOOP_TIMES, LoopPart } from '../base/loop-times.ts'
import { TURN } from '../base/turn.ts'
import type { LimitName } from '../observe/ledger.ts'
import { foreignToMqtt, isFault as isFaultOfClient, type MishapKind, MISHAPS } from '../observe/mishap-kinds.ts'
import type { Mishaps } from '../observe/mishaps.ts'
import { PINGRESP } from '../protocol/answer-packets.ts'
import type { ConnectPacket } from '../protocol/connect-packet.ts'
import { MalformedPacketError, NoMemoryError } from '../protocol/field-reader.ts'
import { checkFlags } from '../protocol/fixed-header.ts'
import { FrameReader } from '../protocol/frame-reader.ts'
import type { Message } from '../protocol/message.ts'
import { PACKET_NAMES, PacketType } from '../protocol/packet-types.ts'
import { PLAIN_PUBLISH, type PublishPacket } from '../protocol/publish-packet.ts'
import { ReasonCode } from '../protocol/reason-codes.ts'
import type { ConnectionReport } from '../session/client-report.ts'
import type { TopicNumber } from '../router/router.ts'
import type { Session } from '../session/session.ts'
import type { Sessions } from '../session/sessions.ts'
import { takeAcknowledgement } from './acknowledgement.ts'
import { tellClosed, tellConnected, tellDisconnected, tellTooFast } from './connection-log.ts'
import { Control, type ControlLimits, type ControlOwner, type ControlParts } from './control.ts'
import { PublishRate, type PublishRateOwner } from './publish-rate.ts'
import type { PublishRun } from './publish-run.ts'
import type { SilenceWatch, Watched } from './silence-watch.ts'
import { type SendingLimits, type SendingParts, SendingSide } from './sending-side.ts'
import { topicFault } from './topic-fault.ts'
import { checkRemainingLength, Version5, type Version5Parts } from './v5/version5.ts'
import { FrameLimitError, type Transport, type TransportOwner } from './transport.ts'

/** A client of which more than this waits for the answer to a control packet is not read from meanwhile. */
const STOP_READING_BYTES = 65_536
/** So much of what waits is handled when the answer is there, the rest in the next turns. */
const AT_ONCE_BYTES = 4096

const GONE = 'the client closed the connection without DISCONNECT'

const NOT_CONNECTED = { protocolLevel: 0, keepAliveSeconds: 0, connectedAtMs: 0 }

/** What all connections of a hub share. */
export interface ConnectionParts extends ControlParts, Version5Parts, SendingParts {
  readonly sessions: Sessions
  readonly mishaps: Mishaps
  readonly silences: SilenceWatch
  /** The message that `packet` is; both serve one PUBLISH at a time. */
  readonly message: Message
  readonly run: PublishRun
  readonly limits: ConnectionLimits
  /** The transport is closed: its connection counts no more. */
  readonly onClosed: (connection: Connection) => void
}

export interface ConnectionLimits extends ControlLimits, SendingLimits {
  readonly maxConnectPacketBytes: number
  readonly maxTopicAliasesSent: number
  readonly connectTimeoutSeconds: number
  readonly maxPublishRate: number
}

/** What there may be to say about the end of a connection besides its reason. */
interface EndingDetails {
  /** Tells a client of MQTT 5 where to go instead [MQTT5 §3.2.2.3.16]. */
  readonly serverReference?: string | undefined
  /** What the peer speaks instead of MQTT. */
  readonly foreign?: MishapKind
}

/**
 * One client's network connection: cuts what comes into packets, gives messages and acknowledgements to the session and
 * control packets to the broker, and gathers what goes out. Whatever is wrong with its bytes ends it, and nothing else.
 */
export class Connection
  extends SendingSide<ConnectionParts>
  implements TransportOwner, ControlOwner, PublishRateOwner, Watched
{
  readonly overLimit: LimitName | undefined
  readonly #reader: FrameReader
  /** There is one only where the rate has a limit. */
  readonly #publishRate: PublishRate | undefined
  #control: Control | undefined = undefined
  watchedNext: Watched | undefined = undefined
  watchedPrevious: Watched | undefined = undefined
  watchedStep = 0
  /** By `performance.now()`. */
  #lastReceivedMs = 0
  #isClosed = false
  #isTransportGone = false
  #transportError: Error | undefined = undefined
  /** Too much waits for the answer to a control packet. */
  #isFull = false
  #connected = NOT_CONNECTED
  /** It is not read on before all have what its client has published. */
  #awaitsReceivers = false

  constructor(transport: Transport, parts: ConnectionParts, overLimit: LimitName | undefined) {
    super(transport, parts)
    this.overLimit = overLimit
    const { maxConnectPacketBytes, maxPublishRate } = parts.limits
    this.#publishRate = maxPublishRate === Infinity ? undefined : new PublishRate(this, maxPublishRate)
    this.#reader = new FrameReader(this.#publishRate ?? this, maxConnectPacketBytes, parts.turn.blocks)
  }

  /** Begins to read; a client that does not send its CONNECT in time is let go. */
  start(): void {
    this.awaitPacket()
    this.transport.attach(this)
  }

  /** A stranger's next packet has to come in time. */
  awaitPacket(): void {
    this.parts.silences.wait(this, this.parts.limits.connectTimeoutSeconds * 1000)
  }

  report(): ConnectionReport {
    const { remoteAddress: address, kind: transport } = this.transport
    const will = this.#control?.willReport
    return Object.assign({ address, transport, pendingBytes: this.output.pendingBytes, will }, this.#connected)
  }

  // ---- from the transport

  received(chunk: Buffer): void {
    this.#lastReceivedMs = this.parts.clock.turn()
    this.parts.ledger.inputBytes += chunk.length
    if (this.#control === undefined && this.#endForeign(chunk)) return
    this.#reader.push(chunk)
    this.flush()
    this.#publishRate?.settle(this.#lastReceivedMs)
    if (this.#reader.waitingBytes <= STOP_READING_BYTES || this.#isFull) return
    this.#isFull = true
    this.transport.pause()
  }

  takeTurn(maxBytes: number): boolean {
    const goesOn = this.#reader.resume(maxBytes)
    this.flush()
    const nowMs = performance.now()
    this.#publishRate?.settle(nowMs)
    if (this.#isTransportGone && !this.#reader.isStopped) this.close(GONE, ReasonCode.UNSPECIFIED_ERROR)
    if (this.#isFull && this.#reader.waitingBytes === 0) {
      this.#isFull = false
      this.#lastReceivedMs = nowMs
      this.#readOn()
    }
    return goesOn
  }

  taken(): void {
    const qos0Messages = this.output.taken()
    if (this.#isClosed) return
    this.parts.ledger.delivered += qos0Messages
    this.takenQos0Messages += qos0Messages
    this.session?.outgoingQos0.taken(this.takenQos0Messages)
    if (this.isCongested) return
    if (this.isBacklogged) {
      this.isBacklogged = false
      this.#readOn()
    }
    this.session?.drain()
  }

  closed(error: Error | undefined): void {
    this.#isTransportGone = true
    if (error instanceof FrameLimitError) this.parts.ledger.hit(error.limit)
    this.output.close()
    // Thousands may go at once.
    this.#transportError = error
    if (TURN.isFull) TURN.waitWith(takeLeave, this)
    else this.takeLeave()
  }

  /** The rest of `closed`; only for that and the callback below. */
  takeLeave(): void {
    this.parts.onClosed(this)
    // What a client sent before it went is still its word: frames that wait for the broker are heard first. A stranger's are not.
    if (this.#reader.isStopped && !this.#isClosed && this.#control?.isStranger !== true) return
    this.close(this.#transportError?.message ?? GONE, ReasonCode.UNSPECIFIED_ERROR)
  }

  // ---- packets that come

  frame(bytes: Buffer, start: number, bodyStart: number, end: number): boolean {
    if (this.#isClosed) return false
    if (bytes[start] === PLAIN_PUBLISH && this.parts.run.extend(bytes, start, bodyStart, end)) return true
    try {
      return this.#take(bytes, start, bodyStart, end)
    } catch (error) {
      if (!(error instanceof MalformedPacketError)) throw error
      this.parts.run.finish()
      this.malformed(error)
      return false
    }
  }

  flush(): void {
    this.parts.run.finish()
    this.parts.router.topics.settle()
  }

  malformed(fault: MalformedPacketError): void {
    if (fault.code === ReasonCode.PACKET_TOO_LARGE) this.parts.ledger.hit('packet-size')
    if (fault instanceof NoMemoryError) this.parts.ledger.hit('memory')
    this.close(fault.message, fault.code)
  }

  /** Takes one packet; false has later ones wait. @throws MalformedPacketError when the connection has to end for it */
  #take(bytes: Buffer, start: number, bodyStart: number, end: number): boolean {
    const first = bytes[start] ?? 0
    const type = first >> 4
    const session = this.session
    if (this.version5 !== undefined) checkRemainingLength(bytes, start, bodyStart)
    if (session === undefined) return this.#takeFirst(type, first, bytes, start, bodyStart, end)
    if (type === PacketType.PUBLISH) return this.#publish(session, bytes, start, bodyStart, end)
    this.parts.run.finish()
    checkFlags(first, this.#connected.protocolLevel)
    if (type >= PacketType.PUBACK && type <= PacketType.PUBCOMP) {
      takeAcknowledgement(session, type, bytes, bodyStart, end, this.version5 !== undefined, this.parts)
      return !this.#isClosed
    }
    if (type === PacketType.PINGREQ) return this.#ping(end - bodyStart)
    return this.#control?.receive(type, bytes, start, bodyStart, end) === true
  }

  #takeFirst(type: number, first: number, bytes: Buffer, start: number, bodyStart: number, end: number): boolean {
    this.parts.silences.forget(this)
    if (this.#control !== undefined) return this.#control.receive(type, bytes, start, bodyStart, end)
    // [MQTT-3.1.0-1]
    if (type !== PacketType.CONNECT)
      throw new MalformedPacketError(`the first packet is ${PACKET_NAMES[type]}, not CONNECT`)
    if (first !== PacketType.CONNECT << 4) throw new MalformedPacketError('the flags of CONNECT are not 0')
    this.parts.ledger.connects++
    const control = new Control(this, this.parts)
    this.#control = control
    return control.receive(type, bytes, start, bodyStart, end)
  }

  /** Nothing of MQTT has come before these bytes. */
  #endForeign(bytes: Buffer): boolean {
    const foreign = this.#reader.heldBytes > 0 ? undefined : foreignToMqtt(bytes)
    if (foreign !== undefined) this.close(MISHAPS[foreign], ReasonCode.MALFORMED_PACKET, { foreign })
    return foreign !== undefined
  }

  #ping(bodyBytes: number): boolean {
    if (bodyBytes !== 0) throw new MalformedPacketError('PINGREQ has a body')
    this.parts.ledger.otherReceived++
    this.sendPacket(PINGRESP)
    return true
  }

  #publish(session: Session, bytes: Buffer, start: number, bodyStart: number, end: number): boolean {
    const { packet, router, run, message } = this.parts
    const { table } = router.topics
    const version5 = this.version5
    run.endPart()
    packet.read(bytes, start, bodyStart, end, version5 !== undefined)
    let topic = this.#resolve(bytes, packet)
    if (packet.isPlain && run.join(topic, bytes, packet)) return true
    const { forgotten } = table
    run.finish()
    // Who got the run may have published, and the number be that of another topic by now.
    if (table.forgotten !== forgotten || table.log.pinned !== topic) topic = this.#resolve(bytes, packet)
    if (packet.isPlain) {
      run.begin(session, topic, bytes, packet)
      return this.#readsOn(session)
    }
    // A sender may not set it [MQTT-3.3.1-2], and it means nothing.
    if (packet.qos === 0 && packet.isDuplicate) this.parts.ledger.tolerated['dup-at-qos-0']++
    if (version5 === undefined) message.setPacket(bytes, packet)
    else version5.fill(message, bytes, packet)
    message.publisher = session.clientId
    const { packetId } = packet
    if (version5 === undefined || version5.takes(session, message, packetId))
      session.incoming.receive(message, topic, packetId)
    return this.#readsOn(session)
  }

  /** @throws MalformedPacketError when the topic name is not valid */
  #resolve(bytes: Buffer, packet: PublishPacket): TopicNumber {
    const { topicStart, topicEnd, payloadStart, end } = packet
    const topic =
      this.version5 === undefined
        ? this.parts.router.resolve(bytes, topicStart, topicEnd, end - payloadStart)
        : this.version5.resolve(bytes, packet)
    if (topic === 0) throw topicFault(bytes, packet, this.parts)
    return topic
  }

  /** False while not all have what the client has published. */
  #readsOn({ incoming }: Session): boolean {
    if (incoming.spreading === 0) return !this.#isClosed
    this.#awaitsReceivers = true
    return false
  }

  // ---- from the control side

  admitted({ protocolLevel }: ConnectPacket, keepAliveSeconds: number): void {
    this.#connected = { protocolLevel, keepAliveSeconds, connectedAtMs: this.parts.clock.nowMs() }
  }

  connected(session: Session, isPresent: boolean, connect: ConnectPacket, keepAliveSeconds: number): void {
    this.session = session
    this.#reader.connected(this.parts.limits.maxPacketBytes)
    if (keepAliveSeconds > 0) this.parts.silences.wait(this, this.#allowedSilenceMs)
    if (connect.properties !== undefined) {
      this.version5 = new Version5(connect.properties, this.parts, this.#publishRate)
      this.output.isVersion5 = true
    }
    tellConnected(this.parts.log, this.transport, session.clientId, connect, isPresent)
    session.open()
  }

  proceed(): void {
    if (this.takeTurn(AT_ONCE_BYTES)) this.transport.awaitTurn()
  }

  published(): void {
    if (!this.#awaitsReceivers) return
    this.#awaitsReceivers = false
    this.proceed()
  }

  close(reason: string, code: ReasonCode, { serverReference, foreign }: EndingDetails = {}): void {
    if (this.#isClosed) return
    this.#isClosed = true
    const session = this.#control?.session
    this.parts.silences.forget(this)
    this.#publishRate?.stop()
    this.#reader.end()
    if (code === ReasonCode.SUCCESS) {
      tellDisconnected(this.parts.log, this.transport, session?.clientId)
    } else {
      const isFault = !this.#isTransportGone && isFaultOfClient(code)
      if (!this.#isTransportGone) this.#sayFarewell(reason, code, serverReference)
      tellClosed(this.parts, this.transport, session?.clientId, { reason, code, isFault, foreign })
      session?.connectionEnded(reason)
    }
    const before = LOOP_TIMES.enter(LoopPart.DISCONNECT)
    if (session !== undefined) this.parts.sessions.leave(session, this)
    this.#control?.end()
    this.version5?.end()
    LOOP_TIMES.leave(before)
    if (this.#isTransportGone) return this.output.close()
    this.output.finish()
    if (code === ReasonCode.SUCCESS) this.transport.leave()
    else this.transport.end()
  }

  publishRateExceeded(isFirstTime: boolean): void {
    this.parts.ledger.hit('publish-rate')
    this.transport.pause()
    if (isFirstTime) tellTooFast(this.parts, this.transport, this.session?.clientId)
  }

  publishRateKept(): void {
    this.#lastReceivedMs = performance.now()
    this.#readOn()
  }

  /** The client publishes too fast and is not read from. */
  get #isHeldBack(): boolean {
    return this.#publishRate?.isExceeded === true
  }

  /** A client may be silent for one and a half times the keep-alive it named [MQTT-3.1.2-24]. */
  get #allowedSilenceMs(): number {
    return this.#connected.keepAliveSeconds * 1000 * 1.5
  }

  /** Ends a client that was silent for too long, or waits on; only for the watch. A packet received costs it nothing. */
  timeIsUp(): void {
    if (this.session === undefined) {
      this.parts.ledger.hit('connect-timeout')
      const missing = this.#control === undefined ? 'CONNECT' : 'AUTH'
      this.close(`no ${missing} in time (limits.connectTimeoutSeconds)`, ReasonCode.UNSPECIFIED_ERROR)
      return
    }
    // While the hub does not read, that nothing comes is not the client's silence.
    const silentMs = this.#isHeldBack || this.#isFull ? 0 : performance.now() - this.#lastReceivedMs
    const leftMs = this.#allowedSilenceMs - silentMs
    if (leftMs > 0) this.parts.silences.wait(this, leftMs)
    else this.close('nothing came for one and a half times the keep-alive', ReasonCode.KEEP_ALIVE_TIMEOUT)
  }

  /** Tells a client of MQTT 5 why its connection ends. */
  #sayFarewell(reason: string, code: ReasonCode, serverReference: string | undefined): void {
    const packet = this.#control?.farewell(reason, code, serverReference)
    if (packet !== undefined) this.output.packet(packet)
  }

  /** Reads again unless there is one more reason not to. */
  #readOn(): void {
    if (!this.isBacklogged && !this.#isHeldBack && !this.#isFull) this.transport.resume()
  }
}

function takeLeave(connection: Connection): void {
  connection.takeLeave()
}
