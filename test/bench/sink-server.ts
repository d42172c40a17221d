// Hot path: the other end of the generator's ceiling. It answers handshakes and acknowledgements and passes the bytes
// of a PUBLISH on as they are, knowing of topics only equality and "+" (no retained messages, no sessions, no checks).
// What the generator reaches against it is the least that the generator can do.
import { createServer, type Socket } from 'node:net'
import { announce } from './announce.ts'
import { FrameWalker, type FrameHandler } from './frame-walker.ts'
import { acknowledgementByte, PacketType } from './packets.ts'

const subscribers = new Map<string, Peer[]>()

class Peer implements FrameHandler {
  readonly #socket: Socket
  readonly #walker = new FrameWalker(this)
  #isCorked = false
  #targets: readonly Peer[] | undefined
  #qos = 0
  #run: Uint8Array | undefined
  #runStart = 0
  #runEnd = 0
  #answers: number[] = []

  constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => this.#walker.push(chunk, chunk.length))
    socket.on('error', () => socket.destroy())
  }

  frame(chunk: Uint8Array, start: number, end: number): void {
    const first = chunk[start] ?? 0
    switch (first >> 4) {
      case PacketType.publish:
        this.#targets ??= this.#findTargets(chunk, start, end)
        if (this.#qos > 0) {
          const at = start + this.#packetIdAt
          this.#answer(this.#qos === 1 ? PacketType.puback : PacketType.pubrec, chunk[at] ?? 0, chunk[at + 1] ?? 0)
        }
        if (this.#run !== chunk || this.#runEnd !== start) {
          this.#passRun()
          this.#run = chunk
          this.#runStart = start
        }
        this.#runEnd = end
        break
      case PacketType.pubrec:
        this.#answer(PacketType.pubrel, chunk[start + 2] ?? 0, chunk[start + 3] ?? 0)
        break
      case PacketType.pubrel:
        this.#answer(PacketType.pubcomp, chunk[start + 2] ?? 0, chunk[start + 3] ?? 0)
        break
      case PacketType.connect:
        this.write(Buffer.from([0x20, 2, 0, 0]))
        break
      case PacketType.subscribe: {
        const filter = Buffer.from(chunk.subarray(start + 6, end - 1)).toString()
        subscribers.set(filter, [...(subscribers.get(filter) ?? []), this])
        this.write(Buffer.from([0x90, 3, chunk[start + 2] ?? 0, chunk[start + 3] ?? 0, chunk[end - 1] ?? 0]))
        break
      }
      case PacketType.disconnect:
        this.#socket.end()
        break
      default:
        break
    }
  }

  chunkEnd(): void {
    this.#passRun()
    if (this.#answers.length === 0) return
    this.write(Uint8Array.from(this.#answers))
    this.#answers = []
  }

  /** Everything written in a turn of the event loop leaves together. */
  write(bytes: Uint8Array): void {
    if (!this.#isCorked) {
      this.#isCorked = true
      this.#socket.cork()
      setImmediate(() => {
        this.#isCorked = false
        this.#socket.uncork()
      })
    }
    this.#socket.write(bytes)
  }

  #packetIdAt = 0

  #findTargets(chunk: Uint8Array, start: number, end: number): readonly Peer[] {
    const frame = Buffer.from(chunk.subarray(start, end))
    const topicAt = (frame[1] ?? 0) < 0x80 ? 4 : 5
    const topicEnd = topicAt + frame.readUInt16BE(topicAt - 2)
    const topic = frame.toString('utf8', topicAt, topicEnd)
    this.#packetIdAt = topicEnd
    this.#qos = ((frame[0] ?? 0) >> 1) & 3
    return [...(subscribers.get(topic) ?? []), ...(subscribers.get(topic.replace(/[^/]+$/u, '+')) ?? [])]
  }

  #passRun(): void {
    if (this.#run === undefined) return
    const bytes = this.#run.subarray(this.#runStart, this.#runEnd)
    this.#run = undefined
    for (const target of this.#targets ?? []) target.write(bytes)
  }

  #answer(type: number, packetIdHigh: number, packetIdLow: number): void {
    this.#answers.push(acknowledgementByte(type), 2, packetIdHigh, packetIdLow)
  }
}

announce(createServer({ noDelay: true }, (socket) => void new Peer(socket)))
