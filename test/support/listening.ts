import { unboundedMemory } from '../../src/base/memory-budget.ts'
import { connect, createServer, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import { type ClientOptions, type RawData, WebSocket } from 'ws'
import { strangersDoor, type Transport, type TransportOwner } from '../../src/connection/transport.ts'
import { HttpListener } from '../../src/listeners/http.ts'
import { addressOf, listen, type Listener, type ListenerLog, stopListening } from '../../src/listeners/listener.ts'
import { ReadTurn } from '../../src/listeners/read-turn.ts'
import { TcpListener } from '../../src/listeners/tcp.ts'
import { TcpTransport } from '../../src/listeners/tcp-transport.ts'
import { WebSocketListener, type WebSocketListenerOptions } from '../../src/listeners/websocket.ts'
import { Collected, guarded } from './guard.ts'
import { POISON } from './poison.ts'

/** Owns a transport and writes down what it is told. Of a chunk it keeps a copy, and then makes it useless. */
export class RecordingOwner implements TransportOwner {
  readonly chunks = new Collected<Buffer>('chunks')
  readonly closings = new Collected<Error | undefined>('closings')
  /** Everything in order. */
  readonly events = new Collected<'received' | 'taken' | 'closed'>('events')
  receivedBytes = 0

  received(chunk: Buffer): void {
    this.receivedBytes += chunk.length
    this.chunks.push(Buffer.from(chunk))
    chunk.fill(POISON)
    this.events.push('received')
  }

  takeTurn(): boolean {
    return false
  }

  taken(): void {
    this.events.push('taken')
  }

  closed(error: Error | undefined): void {
    this.closings.push(error)
    this.events.push('closed')
  }

  get bytes(): Buffer {
    return Buffer.concat(this.chunks.items)
  }

  get takenWrites(): number {
    return this.events.items.filter((event) => event === 'taken').length
  }

  async untilReceived(bytes: number): Promise<Buffer> {
    const received = this.chunks.firstThat(() => (this.receivedBytes >= bytes ? this.bytes : undefined))
    return guarded(received, () => `${bytes} bytes at the transport, got ${this.receivedBytes}`)
  }

  async untilTaken(writes: number): Promise<void> {
    const taken = this.events.firstThat(() => (this.takenWrites >= writes ? true : undefined))
    await guarded(taken, () => `${writes} writes to be taken, got ${this.takenWrites}`)
  }

  async untilClosed(): Promise<Error | undefined> {
    const [error] = await this.closings.atLeast(1)
    return error
  }
}

/** The other end of a transport. */
export interface Peer {
  readonly chunks: Collected<Buffer>
  readonly closed: Promise<void>
  send(bytes: Buffer): void
  /** Closes in order. */
  end(): void
  /** Drops the connection with a TCP reset. */
  reset(): void
  pause(): void
  resume(): void
}

export class CollectingWarnings implements ListenerLog {
  readonly lines = new Collected<{ readonly fields: object; readonly text: string }>('warnings')

  warn(fields: object, text: string): void {
    this.lines.push({ fields, text })
  }
}

/** A listener on a free port, with the transports it has handed out. */
export interface Listening {
  readonly listener: Pick<Listener, 'stop'>
  readonly port: number
  readonly transports: Collected<Transport>
  readonly log: CollectingWarnings
}

export async function startTcpListener(host = '127.0.0.1'): Promise<Listening> {
  const log = new CollectingWarnings()
  const transports = new Collected<Transport>('transports')
  const listener = new TcpListener(
    { host, port: 0, portOption: '--port', log, readTurn: new ReadTurn() },
    (transport) => transports.push(transport),
  )
  await listener.start()
  onTestFinished(async () => {
    await listener.stop()
    for (const transport of transports.items) transport.destroy()
  })
  return { listener, port: listener.address.port, transports, log }
}

/** As `startTcpListener`, but where Node does not let us choose the memory that is read into. */
export async function startTcpListenerWithEvents(): Promise<Listening> {
  const log = new CollectingWarnings()
  const transports = new Collected<Transport>('transports')
  const readTurn = new ReadTurn()
  const server = createServer({ pauseOnConnect: true, noDelay: true }, (socket) =>
    transports.push(new TcpTransport(socket, strangersDoor('tcp'), readTurn, false)),
  )
  const listener: Listener = {
    name: 'mqtt',
    get address() {
      return addressOf(server, 'mqtt')
    },
    start: async () => listen(server, { host: '127.0.0.1', port: 0, portOption: '--port' }, log),
    stop: async () => stopListening(server),
  }
  await listener.start()
  onTestFinished(async () => {
    await listener.stop()
    for (const transport of transports.items) transport.destroy()
  })
  return { listener, port: listener.address.port, transports, log }
}

export async function startWebSocketListener(options: Partial<WebSocketListenerOptions> = {}): Promise<Listening> {
  const log = new CollectingWarnings()
  const transports = new Collected<Transport>('transports')
  const http = new HttpListener({ host: '127.0.0.1', port: 0, portOption: '--http-port', log })
  http.server.on('request', (_request, response) => response.writeHead(404).end())
  const listener = new WebSocketListener(
    {
      server: http.server,
      identify: () => undefined,
      path: '/mqtt',
      otherPaths: ['/ws', '/'],
      log,
      readTurn: new ReadTurn(),
      refused: () => {},
      origins: [],
      maxPacketBytes: 1_048_576,
      maxConnectPacketBytes: 65_536,
      unfinished: unboundedMemory().unfinished,
      pingSeconds: null,
      ...options,
    },
    (transport) => transports.push(transport),
  )
  await listener.start()
  await http.start()
  onTestFinished(async () => {
    await listener.stop()
    await http.stop()
    for (const transport of transports.items) transport.destroy()
  })
  return { listener, port: http.address.port, transports, log }
}

export async function connectTcpPeer(port: number): Promise<Peer & { readonly socket: Socket }> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
  onTestFinished(() => {
    socket.destroy()
  })
  const chunks = new Collected<Buffer>('chunks at the peer')
  socket.on('data', (chunk) => chunks.push(chunk))
  socket.on('error', () => undefined)
  const closed = new Promise<void>((resolve) => {
    socket.on('end', resolve)
    socket.on('close', () => resolve())
  })
  await guarded(
    new Promise<void>((resolve) => {
      socket.once('connect', resolve)
    }),
    () => `a connection to port ${port}`,
  )
  return {
    socket,
    chunks,
    closed,
    send: (bytes) => void socket.write(bytes),
    end: () => void socket.end(),
    reset: () => void socket.resetAndDestroy(),
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
  }
}

export async function connectWebSocketPeer(
  port: number,
  { path = '/mqtt', protocols = ['mqtt'], ...options }: ClientOptions & { path?: string; protocols?: string[] } = {},
): Promise<Peer & { readonly webSocket: WebSocket; readonly closeCode: Promise<number> }> {
  let socket: Socket | undefined = undefined
  const webSocket = new WebSocket(`ws://127.0.0.1:${port}${path}`, protocols, {
    perMessageDeflate: false,
    createConnection: () => {
      socket = connect(port, '127.0.0.1')
      return socket
    },
    ...options,
  })
  onTestFinished(() => {
    webSocket.terminate()
  })
  const chunks = new Collected<Buffer>('messages at the peer')
  webSocket.on('message', (data: RawData) => {
    if (Buffer.isBuffer(data)) chunks.push(data)
  })
  const closeCode = new Promise<number>((resolve) => {
    webSocket.on('close', resolve)
  })
  const opened = new Promise<void>((resolve, reject) => {
    webSocket.once('open', resolve)
    webSocket.on('error', reject)
  })
  await guarded(opened, () => `a WebSocket to port ${port}`)
  return {
    webSocket,
    closeCode,
    chunks,
    closed: closeCode.then(() => undefined),
    send: (bytes) => webSocket.send(bytes),
    end: () => webSocket.close(),
    reset: () => void socket?.resetAndDestroy(),
    pause: () => webSocket.pause(),
    resume: () => webSocket.resume(),
  }
}

/** A transport with a peer and a recording owner already attached. */
export interface Pair<P extends Peer> {
  readonly transport: Transport
  readonly owner: RecordingOwner
  readonly peer: P
}

/** Connects a peer and attaches an owner to its transport. */
export async function pair<P extends Peer>(
  { transports, port }: Listening,
  connectPeer: (port: number) => Promise<P>,
): Promise<Pair<P>> {
  const index = transports.items.length
  const owner = new RecordingOwner()
  // Attached as soon as it is accepted, as the hub does.
  const accepted = transports.firstThat((transport) => {
    if (transports.items.indexOf(transport) < index) return undefined
    transport.attach(owner)
    return transport
  })
  const peer = await connectPeer(port)
  const transport = await guarded(accepted, () => 'the listener to accept')
  return { transport, owner, peer }
}
