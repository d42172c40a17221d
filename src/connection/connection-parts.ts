import type { Clock } from '../base/clock.ts'
import type { Ledger } from '../observe/ledger.ts'
import type { Log } from '../base/log.ts'
import type { Mishaps } from '../observe/mishaps.ts'
import type { Message } from '../protocol/message.ts'
import type { PublishPacket } from '../protocol/publish-packet.ts'
import type { TopicLimits } from '../protocol/topic.ts'
import type { Router } from '../router/router.ts'
import type { Sessions } from '../session/sessions.ts'
import type { Connection } from './connection.ts'
import type { ControlPlane } from './control.ts'
import type { OutputTurn } from './output.ts'
import type { PublishRun } from './publish-run.ts'

/** What all connections of a hub share. */
export interface ConnectionParts {
  readonly broker: ControlPlane
  readonly router: Router
  readonly sessions: Sessions
  readonly ledger: Ledger
  readonly clock: Clock
  readonly log: Log
  readonly mishaps: Mishaps
  readonly turn: OutputTurn
  /** The PUBLISH that is being handled, one at a time for the whole hub: its fields, and the message that it is. */
  readonly packet: PublishPacket
  readonly message: Message
  readonly run: PublishRun
  readonly limits: ConnectionLimits
  /** The transport is closed: its connection counts no more. */
  readonly onClosed: (connection: Connection) => void
}

export interface ConnectionLimits extends TopicLimits {
  readonly maxConnectPacketBytes: number
  readonly maxPacketBytes: number
  readonly connectTimeoutSeconds: number
  readonly maxOutputBytes: number
  readonly maxPublishRate: number
  readonly receiveMaximum: number
  readonly maxTopicAliases: number
  readonly maxKeepAliveSeconds: number
  readonly maxSessionExpirySeconds: number
}
