import { once } from 'node:events'
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { onTestFinished } from 'vitest'
import type { TlsSettings } from '../../src/config/listener-settings.ts'
import type { Transport } from '../../src/connection/transport.ts'
import type { Refusal } from '../../src/listeners/arrival.ts'
import { ReadTurn } from '../../src/listeners/read-turn.ts'
import { TcpListener, type TcpListenerOptions } from '../../src/listeners/tcp.ts'
import type { TlsEntry } from '../../src/listeners/tls/tls-entry.ts'
import { TlsSide } from '../../src/listeners/tls/tls-side.ts'
import type { Certificates } from './certificates.ts'
import { Collected, guarded } from './guard.ts'
import { RecordingOwner } from './listening.ts'
import { CollectingLog } from './start-hub.ts'

export interface TlsListening {
  readonly side: TlsSide
  readonly entry: TlsEntry
  readonly listener: TcpListener
  readonly port: number
  readonly transports: Collected<Transport>
  readonly owners: RecordingOwner[]
  readonly refusals: Collected<Refusal>
  readonly log: CollectingLog
}

export function tlsSettings(made: Certificates, settings: Partial<TlsSettings> = {}): TlsSettings {
  return {
    ...made.options,
    ca: undefined,
    crl: undefined,
    clientCertificates: 'off',
    clientName: 'commonName',
    ignoreExpiredCrl: false,
    minVersion: 'TLSv1.2',
    certificates: [],
    ...settings,
  }
}

/** A listener for MQTT over TLS on a free port, whose transports write down what they receive. */
export async function startTlsListener(
  settings: TlsSettings,
  options: Partial<TcpListenerOptions> = {},
): Promise<TlsListening> {
  const log = new CollectingLog()
  const transports = new Collected<Transport>('transports')
  const owners: RecordingOwner[] = []
  const refusals = new Collected<Refusal>('refusals')
  const side = new TlsSide(log)
  side.start()
  const entry = await side.add('secure', 'listeners[0]', settings)
  const listener = new TcpListener(
    {
      host: '127.0.0.1',
      port: 0,
      portOption: '--port',
      name: 'secure',
      log,
      readTurn: new ReadTurn(),
      tls: entry,
      refused: (refusal) => refusals.push(refusal),
      ...options,
    },
    (transport) => {
      const owner = new RecordingOwner()
      transport.attach(owner)
      owners.push(owner)
      transports.push(transport)
    },
  )
  await listener.start()
  onTestFinished(async () => {
    await listener.stop()
    side.stop()
    for (const transport of transports.items) transport.destroy()
  })
  return { side, entry, listener, port: listener.address.port, transports, owners, refusals, log }
}

/** A client of TLS that has finished its handshake, as far as it knows: over TLS 1.3 the server may refuse its certificate later. */
export async function connectTls(port: number, options: ConnectionOptions): Promise<TLSSocket> {
  const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', ...options })
  onTestFinished(() => void socket.destroy())
  await guarded(once(socket, 'secureConnect'), () => 'a handshake of TLS')
  socket.on('error', () => undefined)
  return socket
}

/** Resolves when a connection is closed by the other side. */
export async function untilClosed(socket: TLSSocket): Promise<void> {
  socket.resume()
  if (!socket.closed) await guarded(once(socket, 'close'), () => 'the connection to be closed')
}
