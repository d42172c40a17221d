/** Who is watched. Times are of `performance.now()`. */
export interface KeepAliveOwner {
  readonly lastReceivedMs: number
  /** The hub does not read from the client: that nothing comes is not the client's silence. */
  readonly isHeldBack: boolean
  keepAliveExpired(): void
}

/** A client may be silent for one and a half times the keep-alive it named [MQTT-3.1.2-24]. */
const GRACE = 1.5

/**
 * Watches that a client says something within one and a half keep-alives. A packet received costs one assignment: the timer
 * looks at the time only when it fires, and is set again for what is left.
 */
export class KeepAlive {
  readonly #owner: KeepAliveOwner
  readonly #allowedMs: number
  #timer: NodeJS.Timeout

  constructor(owner: KeepAliveOwner, keepAliveSeconds: number) {
    this.#owner = owner
    this.#allowedMs = keepAliveSeconds * 1000 * GRACE
    this.#timer = setTimeout(check, this.#allowedMs, this)
  }

  stop(): void {
    clearTimeout(this.#timer)
  }

  /** Ends the client or waits on; only for the timer. */
  check(): void {
    const owner = this.#owner
    const leftMs = owner.isHeldBack ? this.#allowedMs : owner.lastReceivedMs + this.#allowedMs - performance.now()
    if (leftMs <= 0) owner.keepAliveExpired()
    else this.#timer = setTimeout(check, leftMs, this)
  }
}

function check(keepAlive: KeepAlive): void {
  keepAlive.check()
}
