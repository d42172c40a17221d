import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { connectPacket, PINGREQ } from '../../support/packets.ts'
import { Crowd } from './crowd.ts'
import { Faults } from './faults.ts'
import { checkLedger, startHubInside } from './hub-inside.ts'
import type { Outcome } from './outcome.ts'
import { fullPlan } from './plan.ts'
import { until } from './until.ts'
import type { Workshop } from './workshop.ts'

export interface ClockOptions {
  readonly workshop: Workshop
  readonly jumpsMs: readonly number[]
  readonly seed: number
}

const DAY_MS = 24 * 3600 * 1000
/** Ahead, back, and farther both ways. */
export const JUMPS_MS = [DAY_MS, -2 * DAY_MS, 3650 * DAY_MS, -7300 * DAY_MS]
/** Short ones, so that a jump would show. */
const KEEP_ALIVE_SECONDS = 1
const CONNECT_TIMEOUT_SECONDS = 1
/** In the time between jumps both end who are silent: one and a half keep-alives, and a connect timeout. */
const BETWEEN_JUMPS_MS = 2500
const PING_MS = 300
const MIN_SILENT_MS = 900
const PACE = { messagesPerSecond: 50, windowMessages: 20 }
const QUIET_MS = 1000
const DRAIN_DEADLINE_MS = 30_000

/**
 * The wall clock jumps by days and years, ahead and back, while clients use the hub: who is silent is cut off as soon as ever,
 * who is not stays, and sessions and messages are kept.
 */
export async function runClock({ workshop, jumpsMs, seed }: ClockOptions): Promise<Outcome> {
  const faults = new Faults()
  const { hub, port } = await startHubInside({
    data: 'memory',
    limits: { connectTimeoutSeconds: CONNECT_TIMEOUT_SECONDS },
  })
  const crowd = new Crowd({ workshop, port, plan: fullPlan(4), pace: PACE, seed })
  const clock = new JumpingClock()
  const alive = new Peer(port, connectPacket({ clientId: 'alive', keepAliveSeconds: KEEP_ALIVE_SECONDS }))
  const ping = setInterval(() => alive.send(PINGREQ), PING_MS)
  try {
    await crowd.start()
    for (const jumpMs of jumpsMs) {
      const silent = new Peer(port, connectPacket({ clientId: 'silent', keepAliveSeconds: KEEP_ALIVE_SECONDS }))
      const stranger = new Peer(port, undefined)
      await until(() => silent.isOpen && stranger.isOpen, BETWEEN_JUMPS_MS)
      clock.jump(jumpMs)
      await sleep(BETWEEN_JUMPS_MS)
      for (const [name, peer] of [['a silent client', silent] as const, ['a silent stranger', stranger] as const]) {
        if (peer.endedAfterMs === undefined) faults.add('not cut off', `${name}, the clock jumped by ${jumpMs} ms`)
        else if (peer.endedAfterMs < MIN_SILENT_MS) faults.add('cut off too soon', `${name} by ${jumpMs} ms`)
        peer.destroy()
      }
      if (!alive.isOpen) faults.add('cut off', `a client that pings, when the clock jumped by ${jumpMs} ms`)
    }
    const { verdict, faults: found } = await crowd.finish(QUIET_MS, DRAIN_DEADLINE_MS)
    faults.addAll(found.byKind)
    checkLedger(hub, faults)
    return {
      scenario: 'clock',
      faults: faults.lines,
      counted: {
        seed,
        jumps: jumpsMs.length,
        'messages published and acknowledged': crowd.sent,
        'deliveries due': verdict.due,
        missing: verdict.faults.countOf('missing'),
        'doubled at QoS 2': verdict.faults.countOf('doubled'),
        'ledger: matched': hub.ledger.matched,
        'ledger: delivered': hub.ledger.delivered,
      },
    }
  } finally {
    clock.restore()
    clearInterval(ping)
    alive.destroy()
    crowd.end()
    await hub.stop()
  }
}

/** Stands in for the wall clock of this process; timers and `performance.now()` stay as they are. */
class JumpingClock {
  readonly #trueNow = Date.now
  #offsetMs = 0

  constructor() {
    Date.now = () => this.#trueNow() + this.#offsetMs
  }

  jump(byMs: number): void {
    this.#offsetMs += byMs
  }

  restore(): void {
    Date.now = this.#trueNow
  }
}

/** A connection that sends only what it is told to. */
class Peer {
  isOpen = false
  endedAfterMs: number | undefined = undefined
  readonly #socket: Socket

  constructor(port: number, firstPacket: Buffer | undefined) {
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true })
    const startedMs = performance.now()
    this.#socket.on('connect', () => {
      this.isOpen = true
      if (firstPacket !== undefined) this.#socket.write(firstPacket)
    })
    this.#socket.on('error', () => undefined).on('data', () => undefined)
    this.#socket.on('close', () => {
      this.isOpen = false
      this.endedAfterMs = performance.now() - startedMs
    })
  }

  send(packet: Buffer): void {
    if (this.isOpen) this.#socket.write(packet)
  }

  destroy(): void {
    this.#socket.destroy()
  }
}
