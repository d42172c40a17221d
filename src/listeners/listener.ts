import type { AddressInfo, Server } from 'node:net'
import type { Transport } from '../connection/transport.ts'
import { formatAddress } from '../base/addresses.ts'
import { type ErrorCode, HubbubError } from '../base/errors.ts'

/**
 * A place where the hub can be reached.
 *
 *   1. `start` resolves when it listens, or rejects with a HubbubError and leaves nothing open.
 *   2. `stop` ends accepting only: the connections it handed out live on until their owner ends them.
 *   3. Nothing that a peer does makes it throw or stop.
 */
export interface Listener {
  readonly name: string
  /** Where it listens; the port is the real one where the options said 0. Throws while it does not listen. */
  readonly address: ListenerAddress
  start(): Promise<void>
  stop(): Promise<void>
}

export interface ListenerAddress {
  /** Of a Unix socket its path; its port is 0. */
  readonly host: string
  readonly port: number
}

/** Takes over a connection as soon as there is one; attaches to it before returning. */
export type Accept = (transport: Transport) => void

/** The part of a log that listeners use. */
export interface ListenerLog {
  warn(fields: object, text: string): void
}

export interface ListenOptions {
  readonly host: string
  /** 0 takes any free port. */
  readonly port: number
  /** How the user names the port, for errors: `--port`. */
  readonly portOption: string
  /** Of a Unix socket, in place of host and port. */
  readonly path?: string | undefined
}

/** Connections that the kernel may hold ready while the hub is busy; the default of 511 refuses a fleet that reconnects. */
const BACKLOG_CONNECTIONS = 4096
/** Out of file descriptors, every accept fails: one line a minute says so. */
const ACCEPT_WARNING_INTERVAL_MS = 60_000

/** Has `server` listen. Rejects with a HubbubError that says what to do; from then on accept errors only reach the log. */
export async function listen(server: Server, options: ListenOptions, log: ListenerLog): Promise<void> {
  const { host, port, path } = options
  const place = path === undefined ? { host, port } : { path }
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ ...place, backlog: BACKLOG_CONNECTIONS }, () => {
      server.removeListener('error', reject)
      resolve()
    })
  }).catch((cause: NodeJS.ErrnoException) => {
    throw listenError(cause, options)
  })
  let lastWarningMs = Number.NEGATIVE_INFINITY
  server.on('error', (error) => {
    const nowMs = performance.now()
    if (nowMs - lastWarningMs < ACCEPT_WARNING_INTERVAL_MS) return
    lastWarningMs = nowMs
    log.warn({ err: error, address: placeText(options) }, 'cannot accept connections')
  })
}

/** Stops accepting without waiting for open connections, as `server.close()` alone would. */
export async function stopListening(server: Server): Promise<void> {
  if (!server.listening) return
  server.close()
  // The port is free once the loop has turned.
  await new Promise((resolve) => {
    setImmediate(resolve)
  })
}

/** Where `server` listens now. */
export function addressOf(server: Server, name: string): ListenerAddress {
  const address = server.address()
  if (typeof address === 'string') return { host: address, port: 0 }
  if (!isAddressInfo(address)) {
    throw new HubbubError('HUB_NOT_RUNNING', `Cannot tell the address of listener "${name}": it does not listen`)
  }
  return { host: address.address, port: address.port }
}

/** The host of a peer; an IPv4 address that came through an IPv6 socket is the same peer. */
export function peerHost(remoteAddress: string | undefined): string {
  if (remoteAddress === undefined) return 'unknown' // it was gone before we asked
  return remoteAddress.startsWith('::ffff:') ? remoteAddress.slice('::ffff:'.length) : remoteAddress
}

function isAddressInfo(address: AddressInfo | string | null): address is AddressInfo {
  return typeof address === 'object' && address !== null
}

function listenError(cause: NodeJS.ErrnoException, options: ListenOptions): HubbubError {
  const [code, reason] = options.path === undefined ? explain(cause, options.portOption) : explainPath(cause)
  return new HubbubError(code, `Cannot listen on ${placeText(options)}: ${reason}`, { cause })
}

function placeText({ host, port, path }: ListenOptions): string {
  return path ?? formatAddress(host, port)
}

function explainPath(cause: NodeJS.ErrnoException): [ErrorCode, string] {
  switch (cause.code) {
    case 'EADDRINUSE':
      return ['LISTENER_PORT_IN_USE', 'another program listens there, or the file is no socket; choose another path']
    case 'EACCES':
    case 'EPERM':
      return ['LISTENER_NO_PERMISSION', 'this user may not make a socket in that folder']
    case 'ENOENT':
    case 'ENOTDIR':
      return ['LISTENER_BAD_ADDRESS', 'there is no such folder']
    default:
      return ['LISTENER_FAILED', cause.message]
  }
}

function explain(cause: NodeJS.ErrnoException, portOption: string): [ErrorCode, string] {
  switch (cause.code) {
    case 'EADDRINUSE':
      return ['LISTENER_PORT_IN_USE', `another program has the port; stop it or choose ${portOption}`]
    case 'EACCES':
    case 'EPERM':
      return ['LISTENER_NO_PERMISSION', `this user may not open the port; choose ${portOption} from 1024 up`]
    case 'EADDRNOTAVAIL':
    case 'EAFNOSUPPORT':
    case 'EINVAL':
      return ['LISTENER_BAD_ADDRESS', 'this machine does not have the address; choose --host']
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return ['LISTENER_BAD_ADDRESS', 'the host name has no address; choose --host']
    default:
      return ['LISTENER_FAILED', cause.message]
  }
}
