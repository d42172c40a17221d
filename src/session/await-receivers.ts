import type { ReasonCode } from '../protocol/reason-codes.ts'
import type { Spreads } from '../router/spreads.ts'
import type { AcknowledgementType, SessionConnection } from './session-connection.ts'

/** A session whose client has published to very many. */
export interface PublishingSession {
  readonly connection: SessionConnection | undefined
  /** Messages, or runs of them, that not all have yet. */
  spreading: number
  acknowledge(type: AcknowledgementType, packetId: number, reasonCode: ReasonCode, changesBefore: number): void
}

/** How a message is answered when all have it. */
export interface SpreadAnswer {
  readonly type: AcknowledgementType
  readonly packetId: number
  readonly reasonCode: ReasonCode
  /** Of the store, before the message was routed. */
  readonly changesBefore: number
}

/**
 * What the client published last goes to very many. It is answered when all have it, unless the client has another connection by
 * then: it sends again what was not answered. Until then the connection should read no further.
 */
export function awaitReceivers(session: PublishingSession, spreads: Spreads, answer: SpreadAnswer | undefined): void {
  const { connection } = session
  session.spreading++
  spreads.afterAll(() => {
    session.spreading--
    if (answer !== undefined && session.connection === connection) {
      const { type, packetId, reasonCode, changesBefore } = answer
      session.acknowledge(type, packetId, reasonCode, changesBefore)
    }
    if (session.spreading === 0) session.connection?.published()
  })
}
