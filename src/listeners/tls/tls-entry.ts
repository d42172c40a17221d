import type { X509Certificate } from 'node:crypto'
import type { Socket } from 'node:net'
import { createServer, type SecureContext, type Server, type TLSSocket } from 'node:tls'
import type { TlsSettings } from '../../config/listener-settings.ts'
import type { MishapKind } from '../../observe/mishap-kinds.ts'
import { clientNameOf } from './client-name.ts'
import { certificateId } from './der.ts'
import type { HandshakeTurn, WaitingHandshake } from './handshake-turn.ts'
import type { TlsMaterial } from './tls-files.ts'
import { certificateFault, handshakeFault } from './tls-faults.ts'

/** What became of a handshake. */
export type TlsOutcome =
  | { readonly socket: TLSSocket; readonly certificateName: string | undefined }
  | { readonly kind: MishapKind; readonly reason: string }

export type TlsEntrySettings = Pick<TlsSettings, 'clientCertificates' | 'clientName'>

/** A connection that is open, and the certificate that let it in. */
interface KnownClient {
  readonly certificate: string
  readonly name: string
  readonly refused: (reason: string) => void
}

/** Far longer than any client needs. Whoever hands over a connection has a shorter time for all of its beginning. */
const HANDSHAKE_TIMEOUT_MS = 10_000

/** Ends the TLS of one listener: handshakes in their turn, client certificates, and certificates that change. */
export class TlsEntry {
  readonly #server: Server
  readonly #turn: HandshakeTurn
  readonly #settings: TlsEntrySettings
  #material: TlsMaterial
  readonly #begun = new Map<unknown, Handshake>()
  readonly #known = new Map<TLSSocket, KnownClient>()

  constructor(settings: TlsEntrySettings, material: TlsMaterial, turn: HandshakeTurn) {
    this.#settings = settings
    this.#material = material
    this.#turn = turn
    this.#server = createServer({
      ...material.options,
      // Own contexts by name: those of `addContext` would never be forgotten.
      SNICallback: (name, done) => done(null, this.#contextFor(name)),
      requestCert: settings.clientCertificates !== 'off',
      // With it on, a client that is refused leaves no reason behind.
      rejectUnauthorized: false,
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      pauseOnConnect: true,
      noDelay: true,
    })
    this.#server.on('secureConnection', (socket) => this.#secured(socket))
    this.#server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
      // Node closes nothing by itself, not even when the time is over: 3,000 half-open ones stayed forever.
      socket.destroy()
      this.#end(socket)?.done(handshakeFault(error))
    })
  }

  get material(): TlsMaterial {
    return this.#material
  }

  /** Begins a handshake when it is its turn. `done` is called once, or never when `raw` is closed before its turn. */
  begin(raw: Socket, host: string, done: (outcome: TlsOutcome) => void): void {
    const handshake = new Handshake(raw, host, done, () => {
      this.#begun.set(raw, handshake)
      this.#server.emit('connection', raw)
    })
    // Later: Node tells of a handshake that was cut off when its socket is closed.
    raw.once('close', () =>
      setImmediate(() => {
        this.#begun.delete(raw)
        this.#turn.leave(handshake)
      }),
    )
    this.#turn.enter(handshake)
  }

  /**
   * Takes other certificates, keys and lists. Connections stay, but those whose certificate is revoked now; sessions cannot be
   * resumed, since new contexts have new keys for tickets.
   */
  change(material: TlsMaterial): void {
    this.#material = material
    this.#server.setSecureContext(material.options)
    this.#endRevoked()
  }

  /** Watches the connections of another one, in whose place it is. */
  takeOver(other: TlsEntry): void {
    for (const [socket, client] of other.#known) {
      this.#known.set(socket, client)
      socket.once('close', () => this.#known.delete(socket))
    }
    other.#known.clear()
    this.#endRevoked()
  }

  #endRevoked(): void {
    const { revoked } = this.#material
    for (const [socket, { certificate, name, refused }] of this.#known) {
      if (!revoked.has(certificate)) continue
      refused(`the certificate of ${JSON.stringify(name)} was revoked`)
      socket.destroy()
    }
  }

  /** Whether a certificate is on a list that is in force, by its bytes. */
  isRevoked(certificate: Buffer): boolean {
    return this.#material.revoked.has(certificateId(certificate))
  }

  /** Has an open connection end when its certificate is revoked; `refused` is then told why. */
  watch(socket: TLSSocket, name: string, refused: (reason: string) => void): void {
    const certificate = socket.getPeerX509Certificate()
    if (certificate === undefined) return
    this.#known.set(socket, { certificate: certificateId(certificate.raw), name, refused })
    socket.once('close', () => this.#known.delete(socket))
  }

  #contextFor(name: string): SecureContext | undefined {
    const { contexts } = this.#material
    const asked = name.toLowerCase()
    return contexts.get(asked) ?? contexts.get(asked.replace(/^[^.]*/, '*'))
  }

  #secured(socket: TLSSocket): void {
    const handshake = this.#end(socket)
    if (handshake === undefined) {
      socket.destroy()
      return
    }
    // Until somebody else listens: an error without a listener would end the process.
    socket.on('error', () => undefined)
    const outcome = this.#check(socket)
    if (!('socket' in outcome)) socket.destroy()
    handshake.done(outcome)
  }

  #check(socket: TLSSocket): TlsOutcome {
    const { clientCertificates, clientName } = this.#settings
    if (clientCertificates === 'off') return { socket, certificateName: undefined }
    const certificate = socket.getPeerX509Certificate()
    if (certificate === undefined) {
      if (clientCertificates === 'optional') return { socket, certificateName: undefined }
      return refuse('the client shows no certificate, and one is required')
    }
    const fault = this.#certificateFault(socket, certificate)
    if (fault !== undefined) return refuse(fault)
    const certificateName = clientNameOf(socket.getPeerCertificate(), clientName)
    if (certificateName === undefined && clientCertificates === 'required') {
      return refuse(`the client certificate has no name that can be used (${clientName})`)
    }
    return { socket, certificateName }
  }

  /** Also for sessions that are resumed: what was good when they began may have been revoked, or be over. */
  #certificateFault(socket: TLSSocket, certificate: X509Certificate): string | undefined {
    if (!socket.authorized) return certificateFault(String(socket.authorizationError))
    if (this.isRevoked(certificate.raw)) return certificateFault('CERT_REVOKED')
    return Date.parse(certificate.validTo) <= Date.now() ? certificateFault('CERT_HAS_EXPIRED') : undefined
  }

  #end(socket: TLSSocket): Handshake | undefined {
    const raw = rawOf(socket)
    const handshake = this.#begun.get(raw)
    this.#begun.delete(raw)
    if (handshake !== undefined) this.#turn.leave(handshake)
    return handshake
  }
}

function refuse(reason: string): TlsOutcome {
  return { kind: 'certificate-refused', reason }
}

class Handshake implements WaitingHandshake {
  readonly host: string
  readonly done: (outcome: TlsOutcome) => void
  readonly begin: () => void
  readonly #raw: Socket

  constructor(raw: Socket, host: string, done: (outcome: TlsOutcome) => void, begin: () => void) {
    this.#raw = raw
    this.host = host
    this.done = done
    this.begin = begin
  }

  get isOver(): boolean {
    return this.#raw.destroyed
  }
}

/** The socket below one of TLS, for which Node has no documented word. Without it no handshake would be known again, and each test fail. */
function rawOf(socket: TLSSocket): unknown {
  return Reflect.get(socket, '_parent')
}
