import type { IncomingMessage } from 'node:http'
import type { Peer } from '../auth/identity.ts'
import { peerHost } from './listener.ts'

/** The name of the listener that HTTP has, with MQTT over WebSocket. */
export const HTTP_LISTENER = 'http'

/** Where a request, or an upgrade request, comes from. */
export function peerOf({ socket }: IncomingMessage): Peer {
  return { host: peerHost(socket.remoteAddress), listener: HTTP_LISTENER, certificateName: undefined }
}

/** Whether a proxy says that it passes the request on: who asks is not who has connected. */
export function isFromProxy({ headers }: IncomingMessage): boolean {
  return ['forwarded', 'x-forwarded-for', 'via'].some((name) => headers[name] !== undefined)
}
