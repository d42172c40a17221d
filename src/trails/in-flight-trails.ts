// Hot path: `received` and `end` run per message; measured by `npm run bench`, rows "QoS 1" and "QoS 2".
import type { DropReason } from '../protocol/drop-reasons.ts'
import type { Outcome } from './trail.ts'
import type { Followed } from './trails.ts'

/** The messages of one client that are in flight and followed, by packet identifier. */
export class InFlightTrails {
  readonly #clientId: string
  #byPacketId: Map<number, Followed> | undefined = undefined

  constructor(clientId: string) {
    this.#clientId = clientId
  }

  /** The message was sent. */
  follow(packetId: number, followed: Followed): void {
    this.#byPacketId ??= new Map()
    this.#byPacketId.set(packetId, followed)
    this.tell(followed, 'sent')
  }

  /** PUBREC came. */
  received(packetId: number): void {
    if (this.#byPacketId !== undefined) this.tell(this.#byPacketId.get(packetId), 'received')
  }

  /** The message is in flight no more. Returns how it was followed, if it was. */
  end(packetId: number, outcome: Outcome, reason?: DropReason): Followed | undefined {
    const followed = this.#byPacketId?.get(packetId)
    if (followed === undefined) return undefined
    this.#byPacketId?.delete(packetId)
    if (this.#byPacketId?.size === 0) this.#byPacketId = undefined
    this.tell(followed, outcome, reason)
    return followed
  }

  /** None of them is delivered. */
  endAll(reason: DropReason): void {
    if (this.#byPacketId !== undefined)
      for (const packetId of this.#byPacketId.keys()) this.end(packetId, 'dropped', reason)
  }

  /** Notes what became of a message that is followed. */
  tell(followed: Followed | undefined, outcome: Outcome, reason?: DropReason): void {
    followed?.trail.tell(this.#clientId, followed.group, outcome, followed.qos, reason)
  }
}
