import type { Socket } from 'node:net'
import { strangersDoor } from '../connection/transport.ts'
import { foreignToTls, type MishapKind, MISHAPS } from '../observe/mishap-kinds.ts'
import { type Arrival, type PeerAddress, peerAddress, peerText, type Refused, type TakeSocket } from './arrival.ts'
import { parseProxyHeader, type ProxyHeader } from './proxy/proxy-header.ts'
import { isUsableName } from './tls/client-name.ts'
import type { TlsEntry } from './tls/tls-entry.ts'

/** What comes before MQTT or HTTP on a listener. */
export interface OpeningSteps {
  /** What everybody is who shows nothing. */
  readonly arrival: Arrival
  /** Each connection begins with the header of a proxy; what it says of a client certificate counts as well, or does not. */
  readonly proxy: { readonly takesCertificate: boolean } | undefined
  readonly tls: TlsEntry | undefined
  readonly refused: Refused
}

/** A proxy sends its header at once. */
const HEADER_TIMEOUT_MS = 3000
/** From the connection on, until its handshake is finished. */
const TLS_TIMEOUT_MS = 10_000

/**
 * The beginning of one connection: the header of a proxy, the first bytes of TLS, its handshake. Nothing is done for a client that says
 * nothing, and all of it together has a time limit. The socket is paused, and `take` gets it with what was read ahead, or never.
 */
export class Opening {
  readonly #raw: Socket
  readonly #steps: OpeningSteps
  readonly #enters: (peer: PeerAddress | undefined) => boolean
  readonly #ended: () => void
  readonly #take: TakeSocket
  #timer: NodeJS.Timeout | undefined = undefined
  readonly #onReadable: () => void
  #peer: PeerAddress | undefined
  #proxyCertificateName: string | undefined = undefined
  #isHeaderDue: boolean
  #held: Buffer = Buffer.alloc(0)
  #isOver = false

  /**
   * `enters` is asked as soon as the address is known; where it says no, it has closed the socket. `ended` is called once, when this is
   * done or given up.
   */
  constructor(
    raw: Socket,
    steps: OpeningSteps,
    enters: (peer: PeerAddress | undefined) => boolean,
    ended: () => void,
    take: TakeSocket,
  ) {
    this.#raw = raw
    this.#steps = steps
    this.#enters = enters
    this.#ended = ended
    this.#take = take
    this.#peer = steps.arrival.peer
    this.#isHeaderDue = steps.proxy !== undefined
    this.#onReadable = () => this.#read()
  }

  begin(): void {
    const raw = this.#raw
    this.#timer = setTimeout(() => this.#tooSlow(), this.#isHeaderDue ? HEADER_TIMEOUT_MS : TLS_TIMEOUT_MS)
    // An error without a listener would end the process; `close` follows.
    raw.on('error', () => undefined)
    raw.once('close', () => this.#end())
    if (!this.#isHeaderDue && !this.#enters(this.#peer)) this.#end()
    else raw.on('readable', this.#onReadable)
  }

  #read(): void {
    const chunk: unknown = this.#raw.read()
    if (this.#isOver || !Buffer.isBuffer(chunk)) return
    this.#held = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk])
    if (this.#isHeaderDue && !this.#readHeader()) return
    const { tls } = this.#steps
    if (tls === undefined) this.#finish(this.#raw, undefined)
    else if (this.#held.length > 0) this.#beginTls(tls)
  }

  /** Returns whether the header is there. */
  #readHeader(): boolean {
    const header = parseProxyHeader(this.#held)
    if (header === undefined) return false
    if (typeof header === 'string') {
      this.#refuse('proxy-refused', `the header of the proxy is wrong: ${header}`)
      return false
    }
    this.#isHeaderDue = false
    this.#held = this.#held.subarray(header.length)
    this.#takeOver(header)
    if (!this.#isOver && !this.#enters(this.#peer)) this.#end()
    if (this.#isOver || this.#steps.tls === undefined) return !this.#isOver
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#tooSlow(), TLS_TIMEOUT_MS)
    return true
  }

  #takeOver({ source, certificateName }: ProxyHeader): void {
    if (source !== undefined) this.#peer = source
    if (this.#steps.proxy?.takesCertificate !== true || certificateName === undefined) return
    if (isUsableName(certificateName)) this.#proxyCertificateName = certificateName
    else this.#refuse('proxy-refused', 'the name in the client certificate cannot be used')
  }

  #beginTls(tls: TlsEntry): void {
    const foreign = foreignToTls(this.#held)
    if (foreign !== undefined) {
      this.#refuse(foreign, foreign === 'tls-failed' ? 'what came first is no TLS handshake' : MISHAPS[foreign])
      return
    }
    this.#giveBack()
    tls.begin(this.#raw, peerAddress(this.#raw, this.#peer).host, (outcome) => {
      if (!('socket' in outcome)) {
        this.#refuse(outcome.kind, outcome.reason)
        return
      }
      const { socket, certificateName } = outcome
      if (certificateName !== undefined) {
        tls.watch(socket, certificateName, (reason) => this.#tell('certificate-refused', reason))
      }
      this.#finish(socket, certificateName)
    })
  }

  #finish(socket: Socket, certificateName: string | undefined): void {
    if (this.#isOver) return
    this.#end()
    if (socket === this.#raw) this.#giveBack()
    const { arrival } = this.#steps
    const name = certificateName ?? this.#proxyCertificateName
    const isPlain = name === undefined && this.#peer === arrival.peer
    const door = name === undefined ? arrival.door : { ...strangersDoor(arrival.door.listener), certificateName: name }
    this.#take(socket, isPlain ? arrival : { ...arrival, door, peer: this.#peer })
  }

  /** What was read ahead is read again by whoever comes next. */
  #giveBack(): void {
    this.#raw.removeListener('readable', this.#onReadable)
    this.#raw.pause()
    if (this.#held.length > 0) this.#raw.unshift(this.#held)
    this.#held = Buffer.alloc(0)
  }

  #tooSlow(): void {
    if (this.#isHeaderDue)
      this.#refuse('proxy-refused', `the header of the proxy did not come within ${HEADER_TIMEOUT_MS} ms`)
    else this.#refuse('tls-failed', `the handshake was not finished within ${TLS_TIMEOUT_MS} ms`)
  }

  #refuse(kind: MishapKind, reason: string): void {
    if (this.#isOver) return
    this.#tell(kind, reason)
    this.#end()
    this.#raw.destroy()
  }

  #tell(kind: MishapKind, reason: string): void {
    const { arrival, refused } = this.#steps
    refused({ kind, listener: arrival.door.listener, address: peerText(this.#raw, this.#peer), reason })
  }

  #end(): void {
    if (this.#isOver) return
    this.#isOver = true
    clearTimeout(this.#timer)
    this.#ended()
  }
}
