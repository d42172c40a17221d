import { once } from 'node:events'
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http'
import { onTestFinished } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { NAMES, type PacketName } from '../support/packets.ts'

/**
 * Stands between a browser and a hub: passes HTTP on as it is, and MQTT over WebSocket packet by packet, so that a test sees what went
 * by, holds packets back, or ends the connection between two of them.
 */
export class PageProxy {
  readonly port: number
  /** `> PUBLISH` is of the page, `< PUBACK` of the hub; in their order. */
  readonly trace: string[] = []
  /** Of the longest packet of the page. */
  longestBytes = 0
  /** Of what the hub answered over HTTP, as it went by. */
  httpBytes = 0
  /** Connections of the page that were not let through. */
  refusals = 0
  readonly #held = new Set<PacketName>()
  readonly #waiting: { readonly type: PacketName; readonly pass: () => void }[] = []
  readonly #sockets = new Set<WebSocket>()
  #isRefusing = false
  #reasonCode: number | undefined = undefined

  private constructor(port: number) {
    this.port = port
  }

  static async start(hubHttpPort: number): Promise<PageProxy> {
    const server = createServer((incoming, outgoing) =>
      passOn(incoming, outgoing, hubHttpPort, (bytes) => (proxy.httpBytes += bytes)),
    )
    const sockets = new WebSocketServer({ noServer: true, handleProtocols: () => 'mqtt' })
    onTestFinished(() => {
      server.closeAllConnections()
      server.close()
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    const proxy = new PageProxy(typeof address === 'object' && address !== null ? address.port : 0)
    onTestFinished(() => proxy.cut())
    server.on('upgrade', (incoming: IncomingMessage, socket, head) => {
      if (proxy.#isRefusing) {
        proxy.refusals++
        socket.destroy()
      } else sockets.handleUpgrade(incoming, socket, head, (browser) => proxy.#join(browser, incoming, hubHttpPort))
    })
    return proxy
  }

  /** Packets of these types that the hub sends from now on wait. */
  hold(...types: readonly PacketName[]): void {
    for (const type of types) this.#held.add(type)
  }

  /** What waited goes on, of these types or of all, and no longer waits. */
  release(...types: readonly PacketName[]): void {
    const isFreed = (type: PacketName): boolean => types.length === 0 || types.includes(type)
    for (const type of this.#held) if (isFreed(type)) this.#held.delete(type)
    const waiting = this.#waiting.splice(0)
    this.#waiting.push(...waiting.filter(({ type }) => !isFreed(type)))
    for (const { type, pass } of waiting) if (isFreed(type)) pass()
  }

  /** The next PUBACK or PUBREC of the hub says this instead of what it says. */
  answerWith(reasonCode: number): void {
    this.#reasonCode = reasonCode
  }

  /** Ends the connections of the page without a word; what waited is lost. */
  cut(): void {
    this.#waiting.length = 0
    for (const socket of this.#sockets) socket.terminate()
    this.#sockets.clear()
  }

  /** As `cut`, and lets no new one through until `allow`. */
  refuse(): void {
    this.#isRefusing = true
    this.cut()
  }

  allow(): void {
    this.#isRefusing = false
  }

  #join(browser: WebSocket, { url = '/', headers }: IncomingMessage, hubHttpPort: number): void {
    const { host = '', origin = '' } = headers
    const hub = new WebSocket(`ws://127.0.0.1:${hubHttpPort}${url}`, 'mqtt', { headers: { host, origin } })
    for (const socket of [browser, hub]) this.#sockets.add(socket)
    // While there is no hub the browser's connection ends too, below.
    const opened = once(hub, 'open').catch(() => undefined)
    browser.on('message', (frame: Buffer) => {
      for (const packet of packetsOf(frame)) {
        this.trace.push(`> ${typeOf(packet)}`)
        this.longestBytes = Math.max(this.longestBytes, packet.length)
      }
      void opened.then((found) => found && hub.send(frame))
    })
    hub.on('message', (frame: Buffer) => {
      for (const original of packetsOf(frame)) {
        const type = typeOf(original)
        const packet = type === 'PUBACK' || type === 'PUBREC' ? this.#answer(original) : original
        const pass = (): void => {
          if (browser.readyState !== WebSocket.OPEN) return
          this.trace.push(`< ${type}`)
          browser.send(packet)
        }
        if (type !== undefined && this.#held.has(type)) this.#waiting.push({ type, pass })
        else pass()
      }
    })
    for (const [one, other] of [
      [browser, hub],
      [hub, browser],
    ] as const) {
      one.on('error', () => other.terminate())
      one.on('close', () => other.terminate())
    }
  }

  #answer(packet: Buffer): Buffer {
    const reasonCode = this.#reasonCode
    if (reasonCode === undefined) return packet
    this.#reasonCode = undefined
    return Buffer.from([packet.readUInt8(0), 3, packet.readUInt8(2), packet.readUInt8(3), reasonCode])
  }
}

function passOn(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  port: number,
  passed: (bytes: number) => void,
): void {
  const { method = 'GET', url = '/', headers } = incoming
  const onward = request({ host: '127.0.0.1', port, method, path: url, headers }, (answer) => {
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
    answer.on('data', (chunk: Buffer) => passed(chunk.length))
    answer.pipe(outgoing)
  })
  onward.on('error', () => outgoing.destroy())
  outgoing.on('close', () => onward.destroy())
  incoming.pipe(onward)
}

function typeOf(packet: Buffer): PacketName | undefined {
  return NAMES[packet.readUInt8(0) >> 4]
}

/** The hub and the page put whole packets into a frame. */
function packetsOf(frame: Buffer): Buffer[] {
  const packets: Buffer[] = []
  for (let at = 0; at < frame.length;) {
    let [length, shift, size] = [0, 0, 1]
    for (let byte = 0x80; byte >= 0x80; size++, shift += 7) {
      byte = frame.readUInt8(at + size)
      length |= (byte & 0x7f) << shift
    }
    packets.push(frame.subarray(at, at + size + length))
    at += size + length
  }
  return packets
}
