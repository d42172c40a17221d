// Hot path: runs per PUBLISH and acknowledgement of MQTT 5; measured by `npm run bench`, rows "MQTT 5".
import { encodeAcknowledgement } from '../../protocol/answer-packets.ts'
import type { ConnectProperties } from '../../protocol/connect-packet.ts'
import { MalformedPacketError } from '../../protocol/field-reader.ts'
import type { Message } from '../../protocol/message.ts'
import type { QoS } from '../../protocol/packet-types.ts'
import { FIRST_FAILURE_CODE, ReasonCode } from '../../protocol/reason-codes.ts'
import type { Session } from '../../session/session.ts'
import type { Terms } from '../../store/store.ts'
import type { ConnectionParts } from '../connection-parts.ts'
import { IncomingPublish5 } from './incoming-publish5.ts'
import { OutgoingProperties } from './outgoing-properties.ts'
import type { Output } from '../output.ts'
import { explainTopicRefusal } from '../over-limit.ts'
import type { PublishRate } from '../publish-rate.ts'
import { REASONS } from '../reasons.ts'

/** What a connection does for a client of MQTT 5 and for no other: properties, aliases, reason codes, packet sizes. */
export class Version5 {
  readonly receiveMaximum: number
  readonly #parts: ConnectionParts
  readonly #publishRate: PublishRate | undefined
  readonly #incoming: IncomingPublish5
  readonly #outgoing: OutgoingProperties
  readonly #maxPacketBytes: number
  readonly #wantsReasons: boolean

  constructor(asked: ConnectProperties, parts: ConnectionParts, publishRate: PublishRate | undefined) {
    const { clock, limits, router } = parts
    const { maxPacketBytes, topicAliasMaximum } = asked
    this.receiveMaximum = asked.receiveMaximum
    this.#parts = parts
    this.#publishRate = publishRate
    this.#incoming = new IncomingPublish5(router, clock, limits.maxTopicAliases)
    // An alias that is new makes a packet longer: a client that reads short packets only gets none.
    const aliases = maxPacketBytes === Infinity ? Math.min(topicAliasMaximum, limits.maxTopicAliases) : 0
    this.#outgoing = new OutgoingProperties(clock, aliases)
    this.#maxPacketBytes = maxPacketBytes
    this.#wantsReasons = asked.wantsProblemInformation
  }

  /** Runs go to the client as they are. */
  get takesRuns(): boolean {
    return this.#maxPacketBytes === Infinity && this.#outgoing.takesRuns
  }

  fits(message: Message, terms: Terms): boolean {
    return this.#maxPacketBytes === Infinity || this.#outgoing.packetBytes(message, terms) <= this.#maxPacketBytes
  }

  /** Takes a PUBLISH whose flags are right. @throws MalformedPacketError when the connection has to end for it */
  publish(session: Session, qos: QoS, bytes: Buffer, start: number, bodyStart: number, end: number): void {
    const incoming = this.#incoming
    incoming.read(qos, bytes, bodyStart, end)
    const { route, packetId } = incoming
    if (route === undefined) {
      const topicEnd = bodyStart + 2 + bytes.readUInt16BE(bodyStart)
      const fault = explainTopicRefusal(this.#parts, bytes, bodyStart + 2, topicEnd)
      throw new MalformedPacketError(fault, ReasonCode.TOPIC_NAME_INVALID)
    }
    const first = bytes[start] ?? 0
    if ((first & 0x0f) === 0 && incoming.isPlain) {
      const { payloadStart, propertiesStart } = incoming
      this.#parts.run.begin(session, route, bytes, start, bodyStart, payloadStart, end, propertiesStart)
      return
    }
    const { message } = this.#parts
    incoming.fill(message, route, qos, (first & 1) !== 0, bytes, start, end)
    message.publisher = session.clientId
    const refusal = this.#refusalOf(session, qos, packetId, incoming.hasValidPayload(bytes, end))
    if (refusal === ReasonCode.SUCCESS) session.receive(message, route, packetId)
    else if (qos > 0 && refusal !== ReasonCode.RECEIVE_MAXIMUM_EXCEEDED) session.refuse(message, packetId, refusal)
    else throw new MalformedPacketError(REASONS[refusal] ?? 'PUBLISH was refused', refusal)
  }

  send(output: Output, message: Message, terms: Terms, packetId: number, isDuplicate: boolean): void {
    const { qos, isRetained } = terms
    const outgoing = this.#outgoing
    if (outgoing.areNeeded(message, terms)) {
      const lead = outgoing.lead(message, terms)
      output.publishWith(lead, outgoing.topicFor(message), message, qos, packetId, isDuplicate, isRetained)
    } else {
      output.publish(message, qos, packetId, isDuplicate, isRetained)
    }
  }

  /** Sends an acknowledgement that has more to say than that all is well. */
  explain(output: Output, firstByte: number, packetId: number, reasonCode: ReasonCode): void {
    const reason = this.#wantsReasons && reasonCode >= FIRST_FAILURE_CODE ? REASONS[reasonCode] : undefined
    const packet = encodeAcknowledgement(firstByte, packetId, reasonCode, reason)
    const isTooLarge = packet.length > this.#maxPacketBytes // [MQTT5-3.4.2-2]
    output.packet(isTooLarge ? encodeAcknowledgement(firstByte, packetId, reasonCode, undefined) : packet)
  }

  /** Why a PUBLISH is not taken; 0 when it is. */
  #refusalOf(session: Session, qos: QoS, packetId: number, hasValidPayload: boolean): ReasonCode {
    const { ledger, limits } = this.#parts
    if (!hasValidPayload) return ReasonCode.PAYLOAD_FORMAT_INVALID
    if (qos === 2 && session.isOverReceiveMaximum(packetId, limits.receiveMaximum)) {
      ledger.hit('receive-maximum')
      return ReasonCode.RECEIVE_MAXIMUM_EXCEEDED // [MQTT5-3.3.4-7]
    }
    if (qos > 0 && this.#publishRate?.isOverdrawn === true) {
      ledger.hit('publish-rate')
      this.#publishRate.giveBack()
      return ReasonCode.QUOTA_EXCEEDED
    }
    return ReasonCode.SUCCESS
  }
}
