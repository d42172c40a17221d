import type { IncomingMessage } from 'node:http'
import { TLSSocket } from 'node:tls'
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

/** Whether the request came over TLS to the hub itself. */
export function isEncrypted({ socket }: IncomingMessage): boolean {
  return socket instanceof TLSSocket
}

/**
 * The origins that pages of this very hub have, as this request was made: scheme, host and port of its address, and of the address
 * that people know (`http.publicUrl`). Pages of another port of the same machine are not among them, and those of `websocket.origins`
 * neither: a browser sends our cookie for them all the same.
 */
export function ownOrigins(request: IncomingMessage, publicUrl: string | undefined): readonly string[] {
  const { host } = request.headers
  const asked = `${isEncrypted(request) ? 'https' : 'http'}://${host ?? ''}`
  // As browsers write it: in lower case, without the scheme's own port.
  const own = URL.canParse(asked) ? [new URL(asked).origin] : []
  return publicUrl === undefined ? own : [...own, new URL(publicUrl).origin]
}
