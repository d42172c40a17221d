import type { MemoryAccount } from '../base/memory-account.ts'
import { CONNECTION_BYTES } from '../session/memory-costs.ts'
import type { LimitName } from '../observe/ledger.ts'
import { ReasonCode } from '../protocol/reason-codes.ts'
import { Message } from '../protocol/message.ts'
import { PublishPacket } from '../protocol/publish-packet.ts'
import { Connection, type ConnectionLimits, type ConnectionParts } from './connection.ts'
import { OutputTurn } from './output-turn.ts'
import { PublishRun } from './publish-run.ts'
import { SilenceWatch } from './silence-watch.ts'
import type { Transport } from './transport.ts'

/** Limits on how many connections there may be. */
export interface ConnectionCountLimits {
  readonly maxConnections: number
  readonly maxConnectionsPerAddress: number
}

/** What the hub hands to its connections; what they have for themselves is made here. */
export interface ConnectionsParts extends Omit<
  ConnectionParts,
  'turn' | 'silences' | 'packet' | 'message' | 'run' | 'onClosed' | 'limits'
> {
  readonly limits: ConnectionLimits & ConnectionCountLimits
  /** How many may be open at all, be they over other limits or not; unlimited when left out. */
  readonly maxOpen?: number
}

/** Connections that are told there is no memory for them, at once; others are cut off. */
const MAX_TOLD = 100
const REPORT_EVERY_MS = 60_000

/** All open connections of a hub, counted in all and by address. */
export class Connections {
  readonly #parts: ConnectionParts
  readonly #limits: ConnectionCountLimits
  readonly #open = new Set<Connection>()
  readonly #countByHost = new Map<string, number>()
  readonly #memory: MemoryAccount
  /** Open ones that there is no memory for. */
  #tooMany = 0
  readonly #maxOpen: number
  #reportedAtMs = -REPORT_EVERY_MS
  #isStopping = false
  #whenEmpty: (() => void) | undefined = undefined

  constructor(parts: ConnectionsParts) {
    this.#limits = parts.limits
    this.#memory = parts.memory.connections
    this.#maxOpen = parts.maxOpen ?? Infinity
    this.#parts = {
      ...parts,
      turn: new OutputTurn(parts.ledger, parts.memory),
      silences: new SilenceWatch(),
      packet: new PublishPacket(),
      message: new Message(),
      run: new PublishRun(parts.router),
      onClosed: (connection) => this.#remove(connection),
    }
  }

  get size(): number {
    return this.#open.size
  }

  /** Takes over a transport. One that is over a limit is refused when it says CONNECT, so that it learns why. */
  accept(transport: Transport): void {
    if (this.#isStopping) {
      transport.destroy()
      return
    }
    if (this.#open.size >= this.#maxOpen) {
      this.#noFile(transport)
      return
    }
    // While the peer is there: a mishap or a log line at its end cannot ask any more.
    const host = transport.remoteHost
    const countOfHost = this.#countByHost.get(host) ?? 0
    const limit = this.#limitFor(countOfHost)
    if (limit !== undefined) this.#parts.ledger.hit(limit)
    if (limit === 'memory') {
      this.#memory.refuse()
      // To tell them why takes memory too.
      if (this.#tooMany >= MAX_TOLD) {
        transport.destroy()
        return
      }
      this.#tooMany++
    }
    this.#memory.take(CONNECTION_BYTES, CONNECTION_BYTES)
    const connection = new Connection(transport, this.#parts, limit)
    this.#open.add(connection)
    const { ledger } = this.#parts
    ledger.connections++
    ledger.mostConnections = Math.max(ledger.mostConnections, this.#open.size)
    if (this.#countsHosts) this.#countByHost.set(host, countOfHost + 1)
    connection.start()
  }

  /** Sends what is due to everyone, then ends all connections. Resolves when each is closed. `serverReference` names another hub. */
  async stop(serverReference?: string): Promise<void> {
    this.#isStopping = true
    // The outputs of this turn are written first, and what the system takes at once is counted as delivered.
    await new Promise((resolve) => {
      setImmediate(resolve)
    })
    const code = serverReference === undefined ? ReasonCode.SERVER_SHUTTING_DOWN : ReasonCode.SERVER_MOVED
    for (const connection of this.#open) connection.close('the hub is stopping', code, { serverReference })
    if (this.#open.size === 0) return
    await new Promise<void>((resolve) => {
      this.#whenEmpty = resolve
    })
  }

  /** There is no file for one more, not even to tell it why. */
  #noFile(transport: Transport): void {
    const { ledger, log, mishaps } = this.#parts
    ledger.hit('open-files')
    if (performance.now() - this.#reportedAtMs >= REPORT_EVERY_MS) {
      this.#reportedAtMs = performance.now()
      const { remoteAddress: address } = transport
      const text = 'the hub may not open more files (ulimit -n): it takes no more connections of clients'
      log.warn({ address, connections: this.#open.size, limit: 'open-files' }, text)
      mishaps.note('open-files', address, `${this.#open.size} connections are open`)
    }
    transport.destroy()
  }

  /** Nobody asks how many an address has but for their limit. */
  get #countsHosts(): boolean {
    return this.#limits.maxConnectionsPerAddress !== Infinity
  }

  /** The limit that one more connection from an address with `countOfHost` would pass. */
  #limitFor(countOfHost: number): LimitName | undefined {
    const { maxConnections, maxConnectionsPerAddress } = this.#limits
    if (this.#open.size >= maxConnections) return 'connections'
    if (countOfHost >= maxConnectionsPerAddress) return 'connections-per-address'
    return this.#memory.mayTake(CONNECTION_BYTES, CONNECTION_BYTES) ? undefined : 'memory'
  }

  #removeFrom(host: string): void {
    const countOfHost = (this.#countByHost.get(host) ?? 1) - 1
    if (countOfHost === 0) this.#countByHost.delete(host)
    else this.#countByHost.set(host, countOfHost)
  }

  #remove(connection: Connection): void {
    if (!this.#open.delete(connection)) return
    this.#memory.give(CONNECTION_BYTES, CONNECTION_BYTES)
    if (connection.overLimit === 'memory') this.#tooMany--
    if (this.#countsHosts) this.#removeFrom(connection.transport.remoteHost)
    if (this.#open.size === 0) this.#whenEmpty?.()
  }
}
