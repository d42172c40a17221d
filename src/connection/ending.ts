import type { Log } from '../base/log.ts'
import { MISHAPS, type MishapKind } from '../observe/mishap-kinds.ts'
import type { Mishaps } from '../observe/mishaps.ts'
import { ReasonCode } from '../protocol/reason-codes.ts'

/** How a connection ended. */
export interface Ending {
  /** There is one once the CONNECT was accepted. */
  readonly session: { readonly clientId: string } | undefined
  /** Undefined: the client said DISCONNECT. */
  readonly reason: string | undefined
  readonly code: ReasonCode
  /** The peer closed it, or the network did. */
  readonly isGone: boolean
}

/** Endings that are the fault of the client, or of who wrote its program. */
const FAULTS: ReadonlySet<ReasonCode> = new Set([
  ReasonCode.UNSPECIFIED_ERROR,
  ReasonCode.MALFORMED_PACKET,
  ReasonCode.PROTOCOL_ERROR,
  ReasonCode.UNSUPPORTED_PROTOCOL_VERSION,
  ReasonCode.CLIENT_IDENTIFIER_NOT_VALID,
  ReasonCode.BAD_AUTHENTICATION_METHOD,
  ReasonCode.TOPIC_FILTER_INVALID,
  ReasonCode.TOPIC_NAME_INVALID,
  ReasonCode.RECEIVE_MAXIMUM_EXCEEDED,
  ReasonCode.TOPIC_ALIAS_INVALID,
  ReasonCode.PACKET_TOO_LARGE,
  ReasonCode.QUOTA_EXCEEDED,
])
const FOREIGN: readonly MishapKind[] = ['http-on-mqtt', 'tls-on-mqtt']

/** Writes down how a connection ended, and remembers it if its client did something wrong. */
export function noteEnding(
  { log, mishaps }: { readonly log: Log; readonly mishaps: Mishaps },
  address: string,
  { session, reason, code, isGone }: Ending,
): void {
  const clientId = session?.clientId
  if (reason === undefined) {
    log.info({ address, clientId }, 'client disconnected')
    return
  }
  log.info({ address, clientId, reason }, 'connection closed')
  if (isGone || !FAULTS.has(code)) return
  const kind =
    FOREIGN.find((one) => MISHAPS[one] === reason) ?? (session === undefined ? 'connect-refused' : 'protocol-error')
  mishaps.note(kind, address, reason, clientId)
}
