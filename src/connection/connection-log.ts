import { isTold, type Log } from '../base/log.ts'
import { quote } from '../base/quote.ts'
import { LIMITS } from '../observe/ledger.ts'
import { kindOfFault, type MishapKind, MISHAPS } from '../observe/mishap-kinds.ts'
import type { Mishaps } from '../observe/mishaps.ts'
import type { ConnectPacket } from '../protocol/connect-packet.ts'
import { ReasonCode } from '../protocol/reason-codes.ts'
import type { Transport } from './transport.ts'

// What the log says of connections. Nothing is gathered, and no address asked for, when it does not say it.

export function tellConnected(
  log: Log,
  transport: Transport,
  clientId: string,
  { protocolLevel, isClean }: ConnectPacket,
  isPresent: boolean,
): void {
  if (!isTold(log, 'info')) return
  const address = transport.remoteAddress
  log.info({ address, clientId, protocolLevel, isClean, isPresent }, 'client connected')
}

/** The client has said DISCONNECT. */
export function tellDisconnected(log: Log, transport: Transport, clientId: string | undefined): void {
  if (isTold(log, 'info')) log.info({ address: transport.remoteAddress, clientId }, 'client disconnected')
}

/** How a connection ended. */
interface Closing {
  readonly reason: string
  readonly code: ReasonCode
  /** The client, or who wrote its program, is to blame. */
  readonly isFault: boolean
  /** What the peer speaks instead of MQTT. */
  readonly foreign: MishapKind | undefined
}

/** The hub has ended a connection. `clientId` is undefined when it was not let in. */
export function tellClosed(
  parts: { readonly log: Log; readonly mishaps: Mishaps },
  transport: Transport,
  clientId: string | undefined,
  { reason, code, isFault, foreign }: Closing,
): void {
  const { log, mishaps } = parts
  if (isTold(log, 'info')) log.info({ address: transport.remoteAddress, clientId, reason }, 'connection closed')
  if (code === ReasonCode.SESSION_TAKEN_OVER) tellTakeover(parts, transport, clientId)
  if (!isFault) return
  mishaps.note(foreign ?? kindOfFault(code, clientId !== undefined), transport.remoteAddress, reason, clientId)
}

/** Another connection took over the client identifier; when that happens again and again, two clients have it, and that is said once. */
function tellTakeover(
  { log, mishaps }: { readonly log: Log; readonly mishaps: Mishaps },
  transport: Transport,
  clientId = '',
): void {
  const addresses = mishaps.takeovers.note(clientId, transport.remoteAddress)
  if (addresses === undefined) return
  log.warn({ clientId, addresses }, MISHAPS['identifier-shared'])
  const reason = `two clients use the identifier ${quote(clientId)}, from ${addresses.join(' and ')}`
  mishaps.note('identifier-shared', transport.remoteAddress, reason, clientId)
}

/** The client is over `limits.maxPublishRate` for the first time. */
export function tellTooFast(
  { log, mishaps }: { readonly log: Log; readonly mishaps: Mishaps },
  transport: Transport,
  clientId: string | undefined,
): void {
  const reason = LIMITS['publish-rate']
  log.warn({ clientId, limit: 'publish-rate', reason }, 'client publishes faster than it may and is read slower')
  mishaps.note('limit-reached', transport.remoteAddress, reason, clientId)
}
