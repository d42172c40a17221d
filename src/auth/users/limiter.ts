import { createHash } from 'node:crypto'
import { isIPv6 } from 'node:net'
import { isLoopback } from '../../base/addresses.ts'

/** What a try may do. */
export type Admission =
  /** Checked after so many ms. */
  | { readonly kind: 'after'; readonly delayMs: number }
  /** Not looked at. */
  | { readonly kind: 'banned'; readonly reason: string }

/** How many failures at once, and how long until one is forgotten. */
interface Allowance {
  readonly failures: number
  readonly forgottenAfterMs: number
}

/** Of one address for one name: somebody who mistypes, or a device with the wrong password. */
const PAIR: Allowance = { failures: 8, forgottenAfterMs: 10_000 }
/** Of one address for all names. */
const ADDRESS: Allowance = { failures: 20, forgottenAfterMs: 6000 }
/** Of one name from addresses that never had it right; it slows and never blocks. */
const NAME: Allowance = { failures: 20, forgottenAfterMs: 6000 }

const NAME_DELAY_MS = 2000
const MAX_DELAYED = 256
const MAX_KEPT = 10_000
/** Longer names are strangers', of any length: what is kept of them is short. */
const MAX_NAME_CHARACTERS = 256

/**
 * Slows those who guess. Failures are counted by address (a /64 of IPv6 is one) and name, by address, and by name, and are forgotten
 * with time. It is asked after what is fast has failed: a right credential that is known gets in whatever strangers do.
 */
export class Limiter {
  readonly #nowMs: () => number
  readonly #pairs = new Failures(PAIR)
  readonly #addresses = new Failures(ADDRESS)
  readonly #names = new Failures(NAME)
  /** Pairs that were right once, and their addresses. */
  readonly #known = new Recent<true>(MAX_KEPT)
  readonly #knownAddresses = new Recent<true>(MAX_KEPT)
  #delayed = 0
  /** Tries that were wrong, not looked at, and made to wait. */
  failed = 0
  banned = 0
  slowed = 0
  /** Connections that were refused at once, since their address is banned. */
  turnedAway = 0

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
  }

  /**
   * Whether to refuse an address before it has said a word. Never one from which somebody got in before: others may be behind the
   * same address. Nor one of this machine: behind a proxy that says nothing of addresses everybody has that.
   */
  isBanned(host: string): boolean {
    if (isLoopback(host)) return false
    const address = addressOf(host)
    return this.#addresses.isOver(address, this.#nowMs()) && !this.#knownAddresses.has(address)
  }

  /**
   * Whether a check that costs nothing may be made before all others: there were not too many failures, or the user has got in from
   * this address before. Who guesses is not to have a way around the limits.
   */
  isTrusted(host: string, userName: string): boolean {
    const name = shortened(userName)
    const nowMs = this.#nowMs()
    const address = addressOf(host)
    const pair = pairOf(address, name)
    if (this.#known.has(pair)) return true
    return ![
      this.#addresses.isOver(address, nowMs),
      this.#pairs.isOver(pair, nowMs),
      this.#names.isOver(name, nowMs),
    ].includes(true)
  }

  /** To be asked before a slow check. */
  admit(host: string, userName: string): Admission {
    const name = shortened(userName)
    const nowMs = this.#nowMs()
    const address = addressOf(host)
    const pair = pairOf(address, name)
    const isKnown = this.#known.has(pair)
    if (!isKnown && this.#addresses.isOver(address, nowMs)) return this.#refuse('too many failures from this address')
    if (this.#pairs.isOver(pair, nowMs)) return this.#refuse('too many failures from this address for this user')
    const isSlow = !isKnown && this.#names.isOver(name, nowMs) && this.#delayed < MAX_DELAYED
    if (!isSlow) return { kind: 'after', delayMs: 0 }
    this.slowed++
    this.#delayed++
    setTimeout(() => this.#delayed--, NAME_DELAY_MS).unref()
    return { kind: 'after', delayMs: NAME_DELAY_MS }
  }

  noteFailure(host: string, userName: string): void {
    const name = shortened(userName)
    this.failed++
    const nowMs = this.#nowMs()
    const address = addressOf(host)
    const pair = pairOf(address, name)
    this.#pairs.note(pair, nowMs)
    this.#addresses.note(address, nowMs)
    if (!this.#known.has(pair)) this.#names.note(name, nowMs)
  }

  noteSuccess(host: string, userName: string): void {
    const name = shortened(userName)
    const address = addressOf(host)
    const pair = pairOf(address, name)
    this.#pairs.forget(pair)
    this.#known.set(pair, true)
    this.#knownAddresses.set(address, true)
  }

  #refuse(reason: string): Admission {
    this.banned++
    return { kind: 'banned', reason }
  }
}

/** Failures by key; each is forgotten after a time, one after another. */
class Failures {
  readonly #allowance: Allowance
  /** When the last failure of each is forgotten: that times the number of failures after now. */
  readonly #clearAtMs = new Recent<number>(MAX_KEPT)

  constructor(allowance: Allowance) {
    this.#allowance = allowance
  }

  note(key: string, nowMs: number): void {
    const { failures, forgottenAfterMs } = this.#allowance
    const clearAtMs = Math.max(nowMs, this.#clearAtMs.get(key) ?? 0) + forgottenAfterMs
    this.#clearAtMs.set(key, Math.min(clearAtMs, nowMs + failures * forgottenAfterMs))
  }

  isOver(key: string, nowMs: number): boolean {
    const { failures, forgottenAfterMs } = this.#allowance
    return (this.#clearAtMs.get(key) ?? 0) - nowMs > (failures - 1) * forgottenAfterMs
  }

  forget(key: string): void {
    this.#clearAtMs.delete(key)
  }
}

/** The last keys that were set; older ones are forgotten, so that strangers do not fill the memory. */
class Recent<V> {
  readonly #max: number
  readonly #values = new Map<string, V>()

  constructor(max: number) {
    this.#max = max
  }

  has(key: string): boolean {
    return this.#values.has(key)
  }

  get(key: string): V | undefined {
    return this.#values.get(key)
  }

  set(key: string, value: V): void {
    this.#values.delete(key)
    this.#values.set(key, value)
    if (this.#values.size <= this.#max) return
    for (const oldest of this.#values.keys()) {
      this.#values.delete(oldest)
      return
    }
  }

  delete(key: string): void {
    this.#values.delete(key)
  }
}

function shortened(name: string): string {
  return name.length > MAX_NAME_CHARACTERS ? createHash('sha256').update(name).digest('base64') : name
}

function pairOf(address: string, name: string): string {
  return `${address} ${name}`
}

const MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i

/** Whom an address counts for: of IPv6 the network, since one customer has 2^64 addresses. */
function addressOf(host: string): string {
  const mapped = MAPPED.exec(host)?.[1]
  if (mapped !== undefined) return mapped
  if (!isIPv6(host)) return host
  const [head = '', tail] = host.split('%', 1)[0]?.split('::') ?? []
  const groups = head === '' ? [] : head.split(':')
  // The zeros that "::" stands for, as far as they count.
  const missing = tail === undefined ? 0 : 8 - groups.length - (tail === '' ? 0 : tail.split(':').length)
  const all = [...groups, ...Array.from({ length: missing }, () => '0'), ...(tail ?? '').split(':')]
  return `${all
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`
}
