// Hot path: runs once per chunk read; measured by `npm run bench`, all rows.
import { LOOP_TIMES, LoopPart } from '../base/loop-times.ts'
import { READ_MEMORY } from './read-memory.ts'

/** What all connections together that have more to read may take of a turn. */
const TURN_MS = 4
/** Most that is read of one connection in a turn. */
const SHARE_BYTES = READ_MEMORY.length
const SMALLEST_ROOM_BYTES = 4096
/** Of a connection of which nobody knows yet how long it takes: 64 KiB of new retained messages are 30 ms of code that has not run before. */
const FIRST_ROOM_BYTES = 8192
const FIRST_ROOM = READ_MEMORY.subarray(0, FIRST_ROOM_BYTES)
/** After a piece that took less than this part of its time the next is twice as large. */
const QUICK = 0.25

/** What a connection is read from. */
export interface ReadSource {
  pause(): unknown
  resume(): unknown
}

/** What came of a connection and is not handled yet. */
export interface ReadRest {
  /** Handles at most so many bytes of it. Returns whether to go on with it in the next turn. */
  takeTurn(maxBytes: number): boolean
}

/**
 * The turns of the event loop in which connections are read. One that has more to read than its share goes on in the next, and
 * meanwhile all others have their turn: nobody feels a client that writes as fast as it can. One serves all listeners of a hub.
 */
export class ReadTurn {
  #waiting: ReadShare[] = []
  /** Emptied, to be used again. */
  #spare: ReadShare[] = []
  /** How many went on in the turn that began last; 0 after one in which none did. */
  #goingOn = 0
  #isBegun = false
  readonly #next: () => void

  constructor() {
    this.#next = () => this.#goOn()
  }

  /** How long it may take to handle what is read of one connection in a turn. */
  get shareMs(): number {
    return TURN_MS / Math.max(this.#goingOn, this.#waiting.length + 1)
  }

  /** Has `share` go on in the next turn. */
  wait(share: ReadShare): void {
    this.#waiting.push(share)
    this.#begin()
  }

  #begin(): void {
    if (this.#isBegun) return
    this.#isBegun = true
    setImmediate(this.#next)
  }

  #goOn(): void {
    const shares = this.#waiting
    this.#waiting = this.#spare
    this.#goingOn = shares.length
    this.#isBegun = false
    // One turn more than there is need for, to see that nobody goes on.
    if (shares.length > 0) this.#begin()
    for (let i = 0; i < shares.length; i++) shares[i]?.goOn()
    shares.length = 0
    this.#spare = shares
  }
}

/**
 * How much of one connection is read in a turn, and whether it is read at all: it is not while its owner has paused it, nor while it
 * waits for the next turn.
 */
export class ReadShare {
  /** What the next piece is read into, the beginning of READ_MEMORY: from 4 to 64 KiB, less when what comes takes long to handle. */
  room = FIRST_ROOM
  readonly #turn: ReadTurn
  #source: ReadSource | undefined = undefined
  /** What the owner has put off. */
  #putOff: ReadRest | undefined = undefined
  /** What came of the source and was too much for a turn. */
  #rest: ReadRest | undefined = undefined
  #isPaused = false
  #isWaiting = false
  /** What came since it last went on in a turn, however long ago, and how long that took: at worst it waits for one too early. */
  #bytes = 0
  #ms = 0

  constructor(turn: ReadTurn) {
    this.#turn = turn
  }

  /** It is not read now. */
  get isHeld(): boolean {
    return this.#isPaused || this.#isWaiting
  }

  get isPaused(): boolean {
    return this.#isPaused
  }

  /** What is left of it in this turn, for a source that has no pieces. */
  get leftBytes(): number {
    return this.room.length - this.#bytes
  }

  /** Begins to read. */
  open(source: ReadSource): void {
    this.#source = source
    source.resume()
  }

  /** Forgets the source, which is gone; what is left of it goes on, paused or not, since nobody may be there to resume it. */
  close(): void {
    this.#source = undefined
    if (this.#rest !== undefined) this.#wait()
  }

  /** Has `rest` go on in the next turns, and nothing read before it is handled. */
  keep(rest: ReadRest): void {
    this.#rest = rest
    this.#source?.pause()
    if (this.isHeld) return
    this.#fit(true, this.#ms, this.#ms / this.#bytes)
    this.#wait()
  }

  /** Has `putOff` go on in the next turns, paused or not, and nothing read before it is handled. */
  putOff(putOff: ReadRest): void {
    this.#putOff = putOff
    this.#source?.pause()
    this.#wait()
  }

  pause(): void {
    this.#isPaused = true
    this.#source?.pause()
  }

  resume(): void {
    this.#isPaused = false
    if (this.#rest !== undefined) this.#wait()
    else if (!this.#isWaiting) this.#source?.resume()
  }

  /** Reads on to the end, whatever comes: it is thrown away. What the owner has put off came before. */
  readOut(): void {
    this.#isPaused = false
    if (this.#putOff === undefined) this.#isWaiting = false
    this.#rest = undefined
    this.#source?.resume()
  }

  /** So much of `room` was read and took so long to handle; when it was full there is more. Returns whether to read on in this turn. */
  tookPiece(bytes: number, ms: number): boolean {
    const isFull = bytes >= this.room.length
    this.#fit(isFull, ms, ms / bytes)
    if (this.#isPaused) return false
    if (isFull) this.#wait()
    return !isFull
  }

  /** A chunk was read from a source that has no pieces. Pauses the source when it has had its share. */
  tookChunk(bytes: number, ms: number): void {
    this.#bytes += bytes
    this.#ms += ms
    if (this.isHeld) return
    if (this.leftBytes > 0 && this.#ms < this.#turn.shareMs) return
    this.#fit(false, this.#ms, this.#ms / this.#bytes)
    this.#source?.pause()
    this.#wait()
  }

  /** Only for `ReadTurn`. */
  goOn(): void {
    if (!this.#isWaiting) return
    this.#isWaiting = false
    this.#bytes = 0
    this.#ms = 0
    if (this.#putOff !== undefined) this.#putOff = this.#handle(this.#putOff)
    else if (this.#rest !== undefined && this.#mayGoOn) this.#rest = this.#handle(this.#rest)
    if (this.#putOff !== undefined) this.#wait()
    else if (!this.#mayGoOn) return
    else if (this.#rest !== undefined) this.#wait()
    else this.#source?.resume()
  }

  get #mayGoOn(): boolean {
    return !this.#isPaused || this.#source === undefined
  }

  /** Returns what is to go on in the next turn. */
  #handle(rest: ReadRest): ReadRest | undefined {
    const bytes = this.room.length
    const before = LOOP_TIMES.enter(LoopPart.READING)
    const startMs = LOOP_TIMES.sinceMs
    const goesOn = rest.takeTurn(bytes)
    LOOP_TIMES.leave(before)
    if (!goesOn) return undefined
    const ms = LOOP_TIMES.sinceMs - startMs
    this.#fit(true, ms, ms / bytes)
    return rest
  }

  #wait(): void {
    if (this.#isWaiting) return
    this.#isWaiting = true
    this.#turn.wait(this)
  }

  /** Has the next piece be as large as can be handled in time. */
  #fit(isFull: boolean, ms: number, msPerByte: number): void {
    const { shareMs } = this.#turn
    let bytes = this.room.length
    if (ms > shareMs) while (bytes > SMALLEST_ROOM_BYTES && bytes * msPerByte > shareMs) bytes /= 2
    else if (isFull && ms < shareMs * QUICK) bytes = Math.min(SHARE_BYTES, bytes * 2)
    if (bytes !== this.room.length) this.room = READ_MEMORY.subarray(0, bytes)
  }
}
