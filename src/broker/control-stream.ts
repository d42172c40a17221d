import { Duplex } from 'node:stream'
import { Blocks } from '../protocol/blocks.ts'
import type { MalformedPacketError } from '../protocol/field-reader.ts'
import { FrameReader, type FrameSink } from '../protocol/frame-reader.ts'
import { PacketType } from '../protocol/packet-types.ts'
import type { Session } from '../session/session.ts'
import type { OpenedSession, SessionRequest } from '../session/sessions.ts'
import type { StoredWill } from '../store/store.ts'
import type { SessionConnection } from '../session/session-connection.ts'

const MAX_ANSWER_BYTES = 1_048_576

/** For the answers of all clients: those are so short that nothing of it is ever held for long. */
const BLOCKS = new Blocks()

/** What the broker tells the connection behind an Aedes client. */
export interface ControlPeer {
  readonly connection: SessionConnection
  /** What the client asks of its session. */
  readonly request: SessionRequest
  readonly will: StoredWill | undefined
  /** The session that the client has, once `sessionOpened` was called. */
  readonly session: Session | undefined
  /** The client has its session; its CONNACK follows. */
  sessionOpened(opened: OpenedSession): void
  /** Aedes answers CONNECT; 0 accepts. The answer itself is the connection's to write, as are the next two. */
  connackPassed(returnCode: number): void
  subackPassed(): void
  unsubackPassed(): void
  /** Aedes is done with the client: it has taken a DISCONNECT, or found `error`. */
  controlEnded(error: Error | null): void
}

/**
 * Aedes' end of a connection: control packets go in by `pass`, answers come out as calls of the peer. Aedes never sees a
 * PUBLISH or an acknowledgement.
 */
export class ControlStream extends Duplex implements FrameSink {
  readonly peer: ControlPeer
  readonly #answers: FrameReader

  constructor(peer: ControlPeer) {
    super()
    this.peer = peer
    this.#answers = new FrameReader(this, MAX_ANSWER_BYTES, BLOCKS)
  }

  /** Gives Aedes one control packet. Keeps the buffer. */
  pass(packet: Buffer): void {
    this.push(packet)
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#answers.push(chunk)
    done()
  }

  override _writev(chunks: { chunk: Buffer }[], done: () => void): void {
    for (const { chunk } of chunks) this.#answers.push(chunk)
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.peer.controlEnded(error)
    done(error)
  }

  frame(bytes: Buffer, start: number, bodyStart: number): boolean {
    switch (bytes.readUInt8(start) >> 4) {
      case PacketType.CONNACK:
        this.peer.connackPassed(bytes.readUInt8(bodyStart + 1))
        break
      case PacketType.SUBACK:
        this.peer.subackPassed()
        break
      case PacketType.UNSUBACK:
        this.peer.unsubackPassed()
        break
      default: // Aedes has nothing else to say: the data plane is not its own.
    }
    return true
  }

  flush(): void {}

  malformed(fault: MalformedPacketError): void {
    this.destroy(new Error(`Aedes wrote what is not MQTT: ${fault.message}`, { cause: fault }))
  }
}
