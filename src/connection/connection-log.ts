import { isTold, type Log } from '../base/log.ts'
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
