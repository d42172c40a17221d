// Hot path: `received` and `end` run per message; measured by `npm run bench`, rows "QoS 1" and "QoS 2".
import type { DropReason } from '../protocol/drop-reasons.ts'
import type { Followed, Outcome } from './trail.ts'

/** The messages of one client that are in flight and followed, by packet identifier. */
export class InFlightTrails {
  #byPacketId: Map<number, Followed> | undefined = undefined

  /** The message was sent. */
  follow(packetId: number, followed: Followed): void {
    this.#byPacketId ??= new Map()
    this.#byPacketId.set(packetId, followed)
    followed.tell('sent')
  }

  /** PUBREC came. */
  received(packetId: number): void {
    this.#byPacketId?.get(packetId)?.tell('received')
  }

  /** The message is in flight no more. Returns how it was followed, if it was. */
  end(packetId: number, outcome: Outcome, reason?: DropReason): Followed | undefined {
    const followed = this.#byPacketId?.get(packetId)
    if (followed === undefined) return undefined
    this.#byPacketId?.delete(packetId)
    if (this.#byPacketId?.size === 0) this.#byPacketId = undefined
    followed.tell(outcome, reason)
    return followed
  }

  /** None of them is delivered. */
  endAll(reason: DropReason): void {
    if (this.#byPacketId !== undefined)
      for (const packetId of this.#byPacketId.keys()) this.end(packetId, 'dropped', reason)
  }
}
