/** Handshakes begun in a turn of the event loop: each is about a millisecond of work on it. */
const BEGUN_IN_A_TURN = 2
/** Begun and not finished. More at once end no sooner, and what they send comes all in one turn. */
const MAX_UNFINISHED = 8
/** One that is not finished by then waits for its client, and no other has to wait for that: clients may be far away. */
const HOLDS_UP_MS = 10

/** A handshake that waits for its turn. */
export interface WaitingHandshake {
  /** Of the client: each address has its turn, however many handshakes it asks for. */
  readonly host: string
  /** The client is gone, or was too slow. */
  readonly isOver: boolean
  begin(): void
}

/** The turns in which TLS handshakes are begun, of all listeners of a hub: a fleet that comes back must not stop the event loop. */
export class HandshakeTurn {
  /** In the order of their turn. */
  readonly #waitingByHost = new Map<string, WaitingHandshake[]>()
  /** When each of those began that hold up others, the oldest first. */
  readonly #begunAtMs = new Map<WaitingHandshake, number>()
  #isBegun = false
  #timer: NodeJS.Timeout | undefined = undefined

  enter(handshake: WaitingHandshake): void {
    const { host } = handshake
    const waiting = this.#waitingByHost.get(host)
    if (waiting === undefined) this.#waitingByHost.set(host, [handshake])
    else waiting.push(handshake)
    this.#awaitTurn()
  }

  /** It is finished, or will never be. */
  leave(handshake: WaitingHandshake): void {
    if (this.#begunAtMs.delete(handshake)) this.#awaitTurn()
  }

  #awaitTurn(): void {
    if (this.#isBegun || this.#waitingByHost.size === 0) return
    this.#isBegun = true
    setImmediate(() => this.#takeTurn())
  }

  #takeTurn(): void {
    this.#isBegun = false
    const nowMs = performance.now()
    this.#forgetSlow(nowMs)
    for (let begun = 0; begun < BEGUN_IN_A_TURN && this.#begunAtMs.size < MAX_UNFINISHED; begun++) {
      const next = this.#next()
      if (next === undefined) break
      this.#begunAtMs.set(next, nowMs)
      next.begin()
    }
    if (this.#begunAtMs.size < MAX_UNFINISHED) this.#awaitTurn()
    else if (this.#waitingByHost.size > 0) this.#awaitSlow(nowMs)
  }

  /** The first of the address whose turn it is. */
  #next(): WaitingHandshake | undefined {
    for (const [host, waiting] of this.#waitingByHost) {
      this.#waitingByHost.delete(host)
      const next = waiting.find(({ isOver }) => !isOver)
      if (next === undefined) continue
      waiting.splice(0, waiting.indexOf(next) + 1)
      // Behind all others.
      if (waiting.length > 0) this.#waitingByHost.set(host, waiting)
      return next
    }
    return undefined
  }

  #forgetSlow(nowMs: number): void {
    for (const [handshake, beganAtMs] of this.#begunAtMs) {
      if (nowMs - beganAtMs < HOLDS_UP_MS) return
      this.#begunAtMs.delete(handshake)
    }
  }

  #awaitSlow(nowMs: number): void {
    if (this.#timer !== undefined) return
    const [oldestAtMs = nowMs] = this.#begunAtMs.values()
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined
        this.#awaitTurn()
      },
      oldestAtMs + HOLDS_UP_MS - nowMs,
    )
  }
}
