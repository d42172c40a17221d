import type { ControlPeer, ControlStream } from '../broker/control-stream.ts'
import { encodeConnack, encodeConnack5, encodeSuback, encodeUnsuback } from '../protocol/answer-packets.ts'
import { type ConnectPacket, type ForeignConnect, readConnect } from '../protocol/connect-packet.ts'
import { MalformedPacketError } from '../protocol/field-reader.ts'
import { PACKET_NAMES, PacketType } from '../protocol/packet-types.ts'
import { ConnectReturnCode, ReasonCode, SUBACK_FAILURE } from '../protocol/reason-codes.ts'
import { type FilterRequest, readSubscribe, readUnsubscribe } from '../protocol/subscribe-packet.ts'
import { topicFilterFault, topicNameFault } from '../protocol/topic.ts'
import type { SessionConnection } from '../session/session-connection.ts'
import type { Session } from '../session/session.ts'
import type { OpenedSession } from '../session/sessions.ts'
import type { ConnectionParts } from './connection-parts.ts'
import { isOverTopicLimit } from './over-limit.ts'

/** What the control side asks of its connection. */
export interface ControlOwner extends SessionConnection {
  /** More connections than the limits allow: this one is to be refused once it says CONNECT. */
  readonly isOverLimit: boolean
  sendPacket(packet: Buffer): void
  /** The CONNACK is sent: from here on the session may send, and the keep-alive counts. */
  connected(session: Session, isPresent: boolean, connect: ConnectPacket): void
  /** The control packet is answered: later frames may go on. */
  proceed(): void
}

/**
 * The control packets of one connection, on their way to Aedes and back. It checks what Aedes lets pass, and writes the
 * answers itself, since Aedes cannot know of sessions without subscriptions, filters given twice or limits.
 */
export class Control implements ControlPeer {
  readonly connection: ControlOwner
  readonly #parts: Pick<ConnectionParts, 'broker' | 'ledger' | 'limits'>
  #stream: ControlStream | undefined = undefined
  #connect: ConnectPacket | undefined = undefined
  #opened: OpenedSession | undefined = undefined
  #packetId = 0
  #subscribing: readonly FilterRequest[] = []
  #unsubscribing: readonly string[] = []
  #isDisconnecting = false

  constructor(connection: ControlOwner, parts: Pick<ConnectionParts, 'broker' | 'ledger' | 'limits'>) {
    this.connection = connection
    this.#parts = parts
  }

  /** The session that Aedes has let the client have. */
  get session(): Session | undefined {
    return this.#opened?.session
  }

  /** Takes one control packet. Returns what is wrong with it when the connection has to end for it. */
  take(type: number, bytes: Buffer, start: number, bodyStart: number, end: number): string | undefined {
    try {
      return this.#take(type, bytes, start, bodyStart, end)
    } catch (error) {
      if (error instanceof MalformedPacketError) return error.message
      throw error
    }
  }

  #take(type: number, bytes: Buffer, start: number, bodyStart: number, end: number): string | undefined {
    switch (type) {
      case PacketType.CONNECT:
        return this.#takeConnect(bytes, start, bodyStart, end)
      case PacketType.SUBSCRIBE:
        this.#subscribing = readSubscribe(bytes, bodyStart, end)
        this.#packetId = bytes.readUInt16BE(bodyStart)
        break
      case PacketType.UNSUBSCRIBE:
        this.#unsubscribing = readUnsubscribe(bytes, bodyStart, end)
        this.#packetId = bytes.readUInt16BE(bodyStart)
        break
      case PacketType.DISCONNECT:
        if (end !== bodyStart) return 'DISCONNECT has a body'
        // Aedes forgets the will and ends the client [MQTT-3.1.2-10].
        this.#isDisconnecting = true
        break
      default:
        return `a client may not send ${PACKET_NAMES[type]}`
    }
    this.#pass(bytes, start, end)
    return undefined
  }

  #takeConnect(bytes: Buffer, start: number, bodyStart: number, end: number): string | undefined {
    if (this.#stream !== undefined) return 'a second CONNECT' // [MQTT-3.1.0-2]
    const connect = readConnect(bytes, bodyStart, end)
    const refusal = this.#refusal(connect)
    if (refusal !== undefined) {
      this.connection.sendPacket(refusal.connack)
      return `CONNECT refused: ${refusal.reason}`
    }
    if (connect.clientId === undefined) return undefined
    if (connect.will !== undefined) {
      const { limits, ledger } = this.#parts
      const { topic } = connect.will
      const fault = topicNameFault(topic, limits)
      if (fault !== undefined) {
        if (isOverTopicLimit(topicNameFault, topic, limits)) ledger.hit('topic')
        return `will topic is not valid: ${fault}`
      }
    }
    this.#connect = connect
    this.#stream = this.#parts.broker.open(this)
    this.#pass(bytes, start, end)
    return undefined
  }

  /** The connection ends without a DISCONNECT: Aedes publishes the will. */
  end(): void {
    this.#stream?.destroy()
  }

  sessionOpened(opened: OpenedSession): void {
    this.#opened = opened
  }

  connackPassed(returnCode: number): void {
    const opened = this.#opened
    const connect = this.#connect
    if (returnCode !== ConnectReturnCode.ACCEPTED || opened === undefined || connect === undefined) {
      this.connection.sendPacket(encodeConnack(false, returnCode))
      this.connection.close(`CONNECT refused with return code ${returnCode}`)
      return
    }
    this.#connect = undefined
    this.connection.sendPacket(encodeConnack(opened.isPresent && connect.protocolLevel > 3, ConnectReturnCode.ACCEPTED))
    this.connection.connected(opened.session, opened.isPresent, connect)
    this.connection.proceed()
  }

  subackPassed(): void {
    const session = this.#opened?.session
    const requests = this.#subscribing
    if (session === undefined) return
    const codes: number[] = []
    for (const { filter, qos } of requests) {
      const isGranted = session.subscribe(filter, qos)
      if (!isGranted) this.#parts.ledger.hit('subscriptions')
      codes.push(isGranted ? qos : SUBACK_FAILURE)
    }
    this.#subscribing = []
    session.afterStored(() => {
      this.connection.sendPacket(encodeSuback(this.#packetId, codes))
      for (const [index, { filter, qos }] of requests.entries()) {
        if (codes[index] !== SUBACK_FAILURE) session.sendRetained(filter, qos)
      }
      this.connection.proceed()
    })
  }

  unsubackPassed(): void {
    const session = this.#opened?.session
    for (const filter of this.#unsubscribing) session?.unsubscribe(filter)
    this.#unsubscribing = []
    session?.afterStored(() => {
      this.connection.sendPacket(encodeUnsuback(this.#packetId))
      this.connection.proceed()
    })
  }

  controlEnded(error: Error | null): void {
    if (error !== null) {
      const { limits, ledger } = this.#parts
      // A filter that is not valid ends the client, in Aedes too.
      if (this.#subscribing.some(({ filter }) => isOverTopicLimit(topicFilterFault, filter, limits)))
        ledger.hit('topic')
      this.connection.close(error.message)
    } else if (this.#isDisconnecting) this.connection.close(undefined)
    else this.connection.close('the broker ended the client')
  }

  #refusal(connect: ConnectPacket | ForeignConnect): { connack: Buffer; reason: string } | undefined {
    if (connect.clientId === undefined) {
      const { protocolLevel } = connect
      const reason = `protocol level ${protocolLevel} is not spoken here, only MQTT 3.1 and 3.1.1`
      // A client of MQTT 5 is told in its own form of CONNACK: flags, reason code, no properties.
      if (protocolLevel === 5) {
        return { connack: encodeConnack5(ReasonCode.UNSUPPORTED_PROTOCOL_VERSION), reason }
      }
      return { connack: encodeConnack(false, ConnectReturnCode.UNACCEPTABLE_PROTOCOL_VERSION), reason }
    }
    if (connect.clientId === '' && (!connect.isClean || connect.protocolLevel === 3)) {
      // [MQTT-3.1.3-8], and MQTT 3.1 knows no empty identifier
      return {
        connack: encodeConnack(false, ConnectReturnCode.IDENTIFIER_REJECTED),
        reason: 'the client identifier is empty and the session is to be kept',
      }
    }
    if (this.connection.isOverLimit) {
      return { connack: encodeConnack(false, ConnectReturnCode.SERVER_UNAVAILABLE), reason: 'too many connections' }
    }
    return undefined
  }

  #pass(bytes: Buffer, start: number, end: number): void {
    this.#stream?.pass(Buffer.from(bytes.subarray(start, end)))
  }
}
