// Hot path: runs per PUBLISH at QoS 0; measured by `npm run bench`, rows "QoS 0".
import { Message } from '../protocol/message.ts'
import type { Route } from '../router/router.ts'
import type { Session } from '../session/session.ts'

/**
 * Gathers PUBLISH packets at QoS 0 that lie behind each other in a chunk and have the same topic, as a busy publisher's do:
 * they are routed once, and copied once for each subscriber. Whoever begins a run finishes it before anything else of the
 * same connection is handled, so nothing is reordered. One serves the whole hub, since chunks are handled one at a time.
 */
export class PublishRun {
  readonly #run = new Message()
  #session: Session | undefined = undefined
  #route: Route | undefined = undefined
  /** Where the topic of the first packet begins, at its length. */
  #topicStart = 0

  /** `propertiesStart` is given for a packet of MQTT 5. */
  begin(
    session: Session,
    route: Route,
    bytes: Buffer,
    start: number,
    topicStart: number,
    payloadStart: number,
    end: number,
    propertiesStart = 0,
  ): void {
    this.#run.set(route.topic, 0, false, bytes, start, payloadStart, end)
    if (propertiesStart > 0) this.#run.setProperties(propertiesStart)
    this.#run.publisher = session.clientId
    this.#session = session
    this.#route = route
    this.#topicStart = topicStart
  }

  /** Adds the packet at `bytes[start, end)` with its topic at `topicStart`; false when it does not belong to the run. */
  extend(bytes: Buffer, start: number, topicStart: number, end: number): boolean {
    const run = this.#run
    if (this.#session === undefined || run.end !== start || run.bytes !== bytes) return false
    const topicBytes = run.payloadStart - this.#topicStart
    if (topicStart + topicBytes > end) return false
    for (let i = 0; i < topicBytes; i++) {
      if (bytes[topicStart + i] !== bytes[this.#topicStart + i]) return false
    }
    run.end = end
    run.lastPayloadStart = topicStart + topicBytes
    run.count++
    return true
  }

  /** Routes what was gathered. */
  finish(): void {
    const session = this.#session
    if (session === undefined || this.#route === undefined) return
    this.#session = undefined
    session.receiveRun(this.#run, this.#route)
  }
}
