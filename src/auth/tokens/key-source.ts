import { HubbubError } from '../../base/errors.ts'
import type { Log } from '../../base/log.ts'
import { isLoopback } from '../../base/addresses.ts'
import { WatchedFile } from '../../base/watched-file.ts'
import { type JwtKey, parseJwtKeys } from './jwt-keys.ts'

/** Where the keys of JWTs come from. What it had stays when the source breaks or does not answer. */
export interface KeySource {
  /** Reads the keys for the first time. @throws HubbubError `USERS_INVALID` when a file is not usable */
  start(): Promise<void>
  stop(): void
  readonly keys: readonly JwtKey[]
  /** Asks for newer keys, after a token came whose key is not known; resolves when there may be some. */
  refresh(): Promise<void>
}

const MAX_BYTES = 1024 * 1024
const FETCH_TIMEOUT_MS = 5000
/** How old keys may get before they are fetched again; they are used meanwhile. */
const MAX_AGE_MS = 10 * 60_000
/** A stranger's tokens, each with another key, do not ask the provider more often. */
const COOLDOWN_MS = 10_000

/** Makes the source that an option names: a file, or a URL. */
export function keySource(name: string, path: string, log: Log, nowMs: () => number): KeySource {
  return /^https?:\/\//i.test(name) ? new UrlKeys(name, log, nowMs) : new FileKeys(name, path, log)
}

/** What is wrong with a URL for keys: who is in between could sign tokens of his own. Undefined: nothing, or it is no URL. */
export function keyUrlFault(name: string): string | undefined {
  if (!/^https?:\/\//i.test(name)) return undefined
  if (!URL.canParse(name)) return 'must be the path of a file or a URL, it is neither'
  const { protocol, hostname, username, password } = new URL(name)
  if (username !== '' || password !== '') return 'must be a URL without a user name and password, it has them'
  if (protocol === 'https:' || isLoopback(hostname.replaceAll(/[[\]]/g, ''))) return undefined
  return 'must be a URL with https, it is one with http'
}

class FileKeys implements KeySource {
  readonly #name: string
  readonly #log: Log
  readonly #watched: WatchedFile
  keys: readonly JwtKey[] = []

  constructor(name: string, path: string, log: Log) {
    this.#name = name
    this.#log = log
    this.#watched = new WatchedFile({
      path,
      maxBytes: MAX_BYTES,
      changed: (bytes, error) => this.#onChange(bytes, error),
    })
  }

  async start(): Promise<void> {
    let bytes: Buffer | undefined
    try {
      bytes = await this.#watched.read()
    } catch (error) {
      throw unusable(this.#name, `the hub must be able to read it, the system says ${String(error)}`)
    }
    if (bytes === undefined) throw unusable(this.#name, 'there is no such file')
    this.keys = parse(this.#name, bytes)
    this.#watched.start()
  }

  stop(): void {
    this.#watched.stop()
  }

  /** It is looked at all the time. */
  refresh(): Promise<void> {
    return Promise.resolve()
  }

  #onChange(bytes: Buffer | undefined, error: Error | undefined): void {
    try {
      if (bytes === undefined) throw unusable(this.#name, error === undefined ? 'it is gone' : error.message)
      this.keys = parse(this.#name, bytes)
      this.#log.info({ file: this.#name, keys: this.keys.length }, 'keys of tokens reloaded')
    } catch (fault) {
      tellStale(this.#log, this.#name, fault)
    }
  }
}

class UrlKeys implements KeySource {
  readonly #url: string
  readonly #log: Log
  readonly #nowMs: () => number
  #keys: readonly JwtKey[] = []
  #triedAtMs = -Infinity
  #fetching: Promise<void> | undefined

  constructor(url: string, log: Log, nowMs: () => number) {
    this.#url = url
    this.#log = log
    this.#nowMs = nowMs
  }

  /** A provider that does not answer yet is no reason not to start. */
  start(): Promise<void> {
    return this.#fetch()
  }

  stop(): void {
    this.#triedAtMs = Infinity
  }

  get keys(): readonly JwtKey[] {
    if (this.#nowMs() - this.#triedAtMs > MAX_AGE_MS) void this.#fetch()
    return this.#keys
  }

  async refresh(): Promise<void> {
    if (this.#fetching !== undefined) await this.#fetching
    else if (this.#nowMs() - this.#triedAtMs > COOLDOWN_MS) await this.#fetch()
  }

  #fetch(): Promise<void> {
    this.#triedAtMs = this.#nowMs()
    this.#fetching ??= this.#fetchOnce().finally(() => {
      this.#fetching = undefined
    })
    return this.#fetching
  }

  async #fetchOnce(): Promise<void> {
    try {
      const signal = AbortSignal.timeout(FETCH_TIMEOUT_MS)
      const response = await fetch(this.#url, { signal, redirect: 'error', headers: { accept: 'application/json' } })
      if (!response.ok) throw unusable(this.#url, `it must answer 200, it answers ${response.status}`)
      const keys = parse(this.#url, await readBounded(response))
      if (keys.some(({ key }) => key.type === 'secret')) throw unusable(this.#url, 'a secret cannot be public')
      this.#keys = keys
    } catch (fault) {
      tellStale(this.#log, this.#url, fault)
    }
  }
}

async function readBounded({ body }: Response): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  let length = 0
  for await (const piece of body ?? []) {
    pieces.push(piece)
    length += piece.length
    if (length > MAX_BYTES) throw new Error('it has more than 1 MiB')
  }
  return Buffer.concat(pieces)
}

function parse(name: string, bytes: Buffer): readonly JwtKey[] {
  if (bytes.length > MAX_BYTES) throw unusable(name, 'it must be at most 1 MiB, it is longer')
  try {
    return parseJwtKeys(bytes.toString('utf8'))
  } catch (error) {
    throw unusable(name, error instanceof Error ? error.message : String(error))
  }
}

function unusable(name: string, what: string): HubbubError {
  return new HubbubError('USERS_INVALID', `Cannot use the keys of ${name}: ${what}`)
}

function tellStale(log: Log, source: string, fault: unknown): void {
  const { message, cause } = fault instanceof Error ? fault : new Error(String(fault))
  const reason = cause instanceof Error ? `${message}: ${cause.message}` : message
  log.error({ source, reason }, 'keys of tokens not reloaded: what was in force stays')
}
