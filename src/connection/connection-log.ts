import { isTold, type Log } from '../base/log.ts'
import { quote } from '../base/quote.ts'
import { LIMITS } from '../observe/ledger.ts'
import { MISHAPS } from '../observe/mishap-kinds.ts'
import type { Mishaps } from '../observe/mishaps.ts'
import type { ConnectPacket } from '../protocol/connect-packet.ts'
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

export function tellClosed(log: Log, transport: Transport, clientId: string | undefined, reason: string): void {
  if (isTold(log, 'info')) log.info({ address: transport.remoteAddress, clientId, reason }, 'connection closed')
}

/** Another connection took over the client identifier; when that happens again and again, two clients have it, and that is said once. */
export function tellTakeover(
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
