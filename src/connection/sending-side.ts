// Hot path: `sendRun` and `sendPublish` run per packet sent; measured by `npm run bench`, all throughput rows.
import { isBridgeState } from '../protocol/bridge-state.ts'
import type { Message } from '../protocol/message.ts'
import { PacketType } from '../protocol/packet-types.ts'
import { ReasonCode } from '../protocol/reason-codes.ts'
import type { AcknowledgementType } from '../session/session-connection.ts'
import type { Session } from '../session/session.ts'
import type { Terms } from '../store/store.ts'
import { Output } from './output.ts'
import type { OutputTurn } from './output-turn.ts'
import type { Transport } from './transport.ts'
import type { Version5 } from './v5/version5.ts'

/** What the sending sides of all connections of a hub share. */
export interface SendingParts {
  readonly turn: OutputTurn
  readonly limits: SendingLimits
}

export interface SendingLimits {
  readonly maxOutputBytes: number
}

/** A client that lets its acknowledgements pile up this many times over the output limit is not read from. */
const STOP_READING_AT = 2

/** So much may wait for any client, also when there is no memory for more. */
const SURE_OUTPUT_BYTES = 16_384

/** The side of a connection that sends: what its session and the broker have for the client, in the client's version of MQTT. */
export abstract class SendingSide<Parts extends SendingParts> {
  readonly transport: Transport
  protected readonly parts: Parts
  protected readonly output: Output
  /** See `ControlOwner`. */
  mayTellState = false
  /** Once the client is connected. */
  protected session: Session | undefined = undefined
  /** There is one for a client of MQTT 5. */
  protected version5: Version5 | undefined = undefined
  /** Too many answers wait to be taken: the client is not read from. */
  protected isBacklogged = false
  protected takenQos0Messages = 0

  constructor(transport: Transport, parts: Parts) {
    this.transport = transport
    this.parts = parts
    this.output = new Output(transport, parts.turn)
  }

  tellsState(message: Message): boolean {
    return this.mayTellState && isBridgeState(message)
  }

  get receiveMaximum(): number {
    return this.version5 === undefined ? Infinity : this.version5.receiveMaximum
  }

  get explainsFailures(): boolean {
    return this.version5 !== undefined
  }

  get takesRuns(): boolean {
    return this.version5 === undefined || this.version5.takesRuns
  }

  get isCongested(): boolean {
    const { pendingBytes } = this.output
    return (
      pendingBytes >= this.parts.limits.maxOutputBytes || (pendingBytes >= SURE_OUTPUT_BYTES && this.parts.turn.isShort)
    )
  }

  get isOutputFull(): boolean {
    return this.output.pendingBytes >= this.parts.limits.maxOutputBytes
  }

  get pendingQos0Messages(): number {
    return this.output.pendingQos0Messages
  }

  get writtenQos0Messages(): number {
    return this.takenQos0Messages + this.output.pendingQos0Messages
  }

  sendPacket(packet: Buffer): void {
    this.output.packet(packet)
    this.#checkBacklog()
  }

  fits(message: Message, terms: Terms): boolean {
    return this.version5 === undefined || this.version5.fits(message, terms)
  }

  sendQos0(message: Message, terms: Terms): void {
    this.sendPublish(message, terms, 0, false)
  }

  sendRun(run: Message): void {
    this.session?.traffic.gave(run.count, run.packetBytes)
    this.output.publishRun(run)
  }

  sendPublish(message: Message, terms: Terms, packetId: number, isDuplicate: boolean): void {
    this.session?.traffic.gave(1, message.packetBytes)
    if (this.version5 !== undefined) this.version5.send(this.output, message, terms, packetId, isDuplicate)
    else this.output.publish(message, terms.qos, packetId, isDuplicate, terms.isRetained)
  }

  sendAcknowledgement(type: AcknowledgementType, packetId: number, reasonCode: ReasonCode): void {
    const firstByte = (type << 4) | (type === PacketType.PUBREL ? 2 : 0)
    if (reasonCode === ReasonCode.SUCCESS || this.version5 === undefined) this.output.acknowledge(firstByte, packetId)
    else this.version5.explain(this.output, firstByte, packetId, reasonCode)
    this.#checkBacklog()
  }

  /** A client that sends without reading what it is answered would have its answers pile up: it is not read meanwhile. */
  #checkBacklog(): void {
    if (this.isBacklogged || this.output.pendingBytes < this.parts.limits.maxOutputBytes * STOP_READING_AT) return
    this.isBacklogged = true
    this.transport.pause()
  }
}
