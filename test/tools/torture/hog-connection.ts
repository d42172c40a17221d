import { connect, type Socket } from 'node:net'

const CONNACK = 2
const PUBACK = 4
const SUBACK = 9
/** From here on a reason code says that something failed. */
const FIRST_FAILURE = 0x80

/** A connection that writes as fast as the broker reads and looks at no more of the answers than whether they are refusals. */
export class HogConnection {
  accepted = 0
  refused = 0
  isClosed = false
  readonly #socket: Socket
  /** What stands in a SUBACK before its codes. */
  readonly #subackHeadBytes: number
  #rest: Buffer = Buffer.alloc(0)
  #admitted: ((isAdmitted: boolean) => void) | undefined = undefined
  #wake: (() => void) | undefined = undefined

  constructor(port: number, isVersion5: boolean) {
    this.#subackHeadBytes = isVersion5 ? 3 : 2
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true })
    this.#socket.on('error', () => undefined)
    this.#socket.on('data', (chunk) => this.#read(chunk))
    this.#socket.on('drain', () => this.#wakeUp())
    this.#socket.on('close', () => {
      this.isClosed = true
      this.#admitted?.(false)
      this.#wakeUp()
    })
  }

  /** Sends a CONNECT; false when the broker refuses it or ends the connection. */
  async admit(connectPacket: Buffer): Promise<boolean> {
    return new Promise((resolve) => {
      this.#admitted = resolve
      this.#socket.write(connectPacket)
    })
  }

  /** Resolves when there is room for more. */
  async write(bytes: Buffer): Promise<void> {
    if (this.isClosed || this.#socket.write(bytes)) return
    await this.#change()
  }

  /** Resolves when so many were answered in all, or the connection is gone. */
  async untilAnswered(count: number): Promise<void> {
    while (!this.isClosed && this.accepted + this.refused < count) await this.#change()
  }

  /** Reads nothing more. */
  freeze(): void {
    this.#socket.pause()
  }

  end(): void {
    this.#socket.destroy()
  }

  async #change(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wake = resolve
    })
  }

  #wakeUp(): void {
    const wake = this.#wake
    this.#wake = undefined
    wake?.()
  }

  #read(chunk: Buffer): void {
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    for (let end = packetEnd(bytes); end !== undefined && end <= bytes.length; end = packetEnd(bytes)) {
      this.#take(bytes.subarray(0, end))
      bytes = bytes.subarray(end)
    }
    this.#rest = bytes
    this.#wakeUp()
  }

  #take(packet: Buffer): void {
    const type = (packet[0] ?? 0) >> 4
    if (type === CONNACK) {
      const isAdmitted = packet[3] === 0
      if (!isAdmitted) this.refused++
      this.#admitted?.(isAdmitted)
      this.#admitted = undefined
    } else if (type === PUBACK) {
      this.#count(packet[4] ?? 0)
    } else if (type === SUBACK) {
      const bodyAt = packet.length > 129 ? 3 : 2
      for (let at = bodyAt + this.#subackHeadBytes; at < packet.length; at++) this.#count(packet[at] ?? 0)
    }
  }

  #count(code: number): void {
    if (code >= FIRST_FAILURE) this.refused++
    else this.accepted++
  }
}

/** Where the first packet ends; undefined while its length is not there. */
function packetEnd(bytes: Buffer): number | undefined {
  let length = 0
  for (let at = 1; at < Math.min(bytes.length, 5); at++) {
    const byte = bytes[at] ?? 0
    length += (byte & 0x7f) << (7 * (at - 1))
    if (byte < 0x80) return at + 1 + length
  }
  return undefined
}
