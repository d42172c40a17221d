// Hot path: the other end of the generator's ceiling. It answers handshakes and acknowledgements and passes the bytes
// of a PUBLISH on as they are, knowing of topics only equality, "+" and "#" at the end, and "#" alone (no retained messages, no
// sessions, no checks). What comes together goes to one member of a shared subscription, and then to the next.
// What the generator reaches against it is the least that the generator can do.
import { createServer, type Socket } from 'node:net'
import { announce } from './announce.ts'
import { bodyAt } from './frame-parts.ts'
import { frameLength, FrameWalker, type FrameHandler } from './frame-walker.ts'
import { acknowledgementByte, PacketType } from './packets.ts'

// What a client that is back may have unacknowledged: as the hub and Mosquitto are configured.
const inFlightMessages = 100

/** Who subscribes: a connection, or what is queued while it is away. */
interface Subscriber {
  peer: Peer | undefined
  queued: Uint8Array[]
}

const subscribers = new Map<string, Subscriber[]>()
/** The members of shared subscriptions. */
const shared = new Map<string, Subscriber[]>()
const kept = new Map<string, Subscriber>()

class Peer implements FrameHandler {
  readonly #socket: Socket
  readonly #walker = new FrameWalker(this)
  #isCorked = false
  #subscriber: Subscriber = { peer: this, queued: [] }
  #isMqtt5 = false
  #isKept = false
  #targets: readonly Subscriber[] | undefined
  /** Of whom each run of messages goes to one. */
  #members: readonly Subscriber[] = []
  #nextMember = 0
  #qos = 0
  #run: Uint8Array | undefined
  #runStart = 0
  #runEnd = 0
  #answers: number[] = []

  constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => this.#walker.push(chunk, chunk.length))
    socket.on('error', () => socket.destroy())
    socket.on('close', () => this.#leave())
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
      case PacketType.puback:
        this.#freedMessages++
        break
      case PacketType.pubrec:
        this.#answer(PacketType.pubrel, chunk[start + 2] ?? 0, chunk[start + 3] ?? 0)
        break
      case PacketType.pubrel:
        this.#answer(PacketType.pubcomp, chunk[start + 2] ?? 0, chunk[start + 3] ?? 0)
        break
      case PacketType.connect:
        this.#connect(Buffer.from(chunk.subarray(start, end)))
        break
      case PacketType.subscribe:
        this.#subscribe(Buffer.from(chunk.subarray(start, end)))
        break
      case PacketType.disconnect:
        this.#leave()
        this.#socket.end()
        break
      default:
        break
    }
  }

  chunkEnd(): void {
    this.#passRun()
    if (this.#backlog.length > 0) this.#sendBacklog()
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

  /** Goes on with the session of the same name; only clients of MQTT 3.1.1 have one. */
  #connect(frame: Buffer): void {
    this.#isMqtt5 = frame[8] === 5
    this.#isKept = ((frame[9] ?? 0) & 0b10) === 0
    const clientId = frame.toString('utf8', 14)
    const session = this.#isKept ? kept.get(clientId) : undefined
    const answer = [session === undefined ? 0 : 1, 0, ...(this.#isMqtt5 ? [0] : [])]
    this.write(Buffer.from([0x20, answer.length, ...answer]))
    if (session !== undefined) this.#subscriber = session
    else if (this.#isKept) kept.set(clientId, this.#subscriber)
    this.#subscriber.peer = this
    this.#backlog = Buffer.concat(this.#subscriber.queued)
    this.#subscriber.queued = []
    this.#freedMessages = inFlightMessages
  }

  /** To one filter, without properties. */
  #subscribe(frame: Buffer): void {
    const filter = frame.toString('utf8', this.#isMqtt5 ? 7 : 6, frame.length - 1)
    const [, ofGroup] = /^\$share\/[^/]+\/(.+)$/u.exec(filter) ?? []
    const map = ofGroup === undefined ? subscribers : shared
    map.set(ofGroup ?? filter, [...(map.get(ofGroup ?? filter) ?? []), this.#subscriber])
    const answer = [...frame.subarray(2, 4), ...(this.#isMqtt5 ? [0] : []), ...frame.subarray(-1)]
    this.write(Buffer.from([0x90, answer.length, ...answer]))
  }

  /** Sends as many messages as have become free; all frames of a backlog are equally long. */
  #sendBacklog(): void {
    const bytes = this.#freedMessages * frameLength(this.#backlog, 0, this.#backlog.length)
    this.#freedMessages = 0
    if (bytes > 0) this.write(this.#backlog.subarray(0, bytes))
    this.#backlog = this.#backlog.subarray(bytes)
  }

  #leave(): void {
    if (this.#isKept && this.#subscriber.peer === this) this.#subscriber.peer = undefined
  }

  #packetIdAt = 0
  #backlog = Buffer.alloc(0)
  #freedMessages = 0

  #findTargets(chunk: Uint8Array, start: number, end: number): readonly Subscriber[] {
    const frame = Buffer.from(chunk.subarray(start, end))
    const topicAt = bodyAt(frame, 0) + 2
    const topicEnd = topicAt + frame.readUInt16BE(topicAt - 2)
    const topic = frame.toString('utf8', topicAt, topicEnd)
    this.#packetIdAt = topicEnd
    this.#qos = ((frame[0] ?? 0) >> 1) & 3
    const filters = [topic, topic.replace(/[^/]+$/u, '+'), topic.replace(/[^/]+$/u, '#'), '#']
    this.#members = filters.flatMap((filter) => shared.get(filter) ?? [])
    return filters.flatMap((filter) => subscribers.get(filter) ?? [])
  }

  #passRun(): void {
    if (this.#run === undefined) return
    const bytes = this.#run.subarray(this.#runStart, this.#runEnd)
    this.#run = undefined
    for (const { peer, queued } of this.#targets ?? []) {
      if (peer === undefined) queued.push(bytes)
      else peer.write(bytes)
    }
    if (this.#members.length === 0) return
    this.#members[this.#nextMember]?.peer?.write(bytes)
    this.#nextMember = (this.#nextMember + 1) % this.#members.length
  }

  #answer(type: number, packetIdHigh: number, packetIdLow: number): void {
    this.#answers.push(acknowledgementByte(type), 2, packetIdHigh, packetIdLow)
  }
}

announce(createServer({ noDelay: true }, (socket) => void new Peer(socket)))
