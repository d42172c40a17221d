import { HubbubError } from '../base/errors.ts'
import type { Log } from '../base/log.ts'
import { isHttp, type ListenerSettings } from '../config/listener-settings.ts'
import type { SocketListener } from '../listeners/socket-listener.ts'
import type { TlsEntry } from '../listeners/tls/tls-entry.ts'
import type { TlsSide } from '../listeners/tls/tls-side.ts'

export interface OpenListener {
  readonly settings: ListenerSettings
  readonly listener: SocketListener
}

/** Makes a listener that does not listen yet. @throws HubbubError */
export type MakeListener = (settings: ListenerSettings, tls: TlsEntry | undefined) => Promise<SocketListener>

/** The listeners of a hub that are open, which may be exchanged for others while it runs. */
export class ListenerSet {
  readonly #log: Log
  readonly #make: MakeListener
  #open: readonly OpenListener[] = []
  #tls: TlsSide | undefined = undefined

  constructor(make: MakeListener, log: Log) {
    this.#make = make
    this.#log = log
  }

  get open(): readonly OpenListener[] {
    return this.#open
  }

  /** The TLS of all of them; undefined: none has had any yet. */
  get tls(): TlsSide | undefined {
    return this.#tls
  }

  /** Has one more listen. @throws HubbubError */
  async add(settings: ListenerSettings): Promise<void> {
    const tls = await this.#prepareTls(settings)
    await this.#start(settings, tls?.())
  }

  /** Stops accepting; connections live on. */
  async removeAll(): Promise<void> {
    for (const open of this.#open) await this.#remove(open)
  }

  /** When all have been removed. */
  stop(): void {
    this.#tls?.stop()
  }

  /**
   * Takes these in place of those that are open. One of the same name, kind and place goes on with other limits, proxies and TLS; new
   * ones listen before old ones stop, but where they are at the same place. No connection ends by it.
   * When it rejects with a HubbubError, all that can be as before is as before.
   */
  async replace(next: readonly ListenerSettings[]): Promise<void> {
    this.#checkHttp(next)
    const prepared = await Promise.all(
      next.map(async (settings) => ({ settings, tls: await this.#prepareTls(settings) })),
    )
    const kept = new Map(
      this.#open.flatMap((open) => {
        const same = prepared.find(({ settings }) => isSamePlace(settings, open.settings))
        return same === undefined ? [] : [[same, open] as const]
      }),
    )
    const old = this.#open.filter((open) => ![...kept.values()].includes(open))
    const fresh = prepared.filter((one) => !kept.has(one))
    const inTheWay = old.filter((open) => fresh.some(({ settings }) => isInTheWay(open.settings, settings)))
    for (const open of inTheWay) await this.#remove(open)
    const started: OpenListener[] = []
    try {
      for (const { settings, tls } of fresh) started.push(await this.#start(settings, tls?.()))
    } catch (error) {
      for (const open of started) await this.#remove(open)
      for (const { settings } of inTheWay) await this.add(settings)
      await this.#renewTls(old.filter((open) => this.#open.includes(open)))
      throw error
    }
    for (const open of old) await this.#remove(open)
    for (const [{ settings, tls }, { listener }] of kept) listener.change(settings, tls?.())
    const listeners = new Map([
      ...[...kept].map(([{ settings }, { listener }]) => [settings, listener] as const),
      ...started.map(({ settings, listener }) => [settings, listener] as const),
    ])
    // In the order in which they are told.
    this.#open = next.flatMap((settings) => {
      const listener = listeners.get(settings)
      return listener === undefined ? [] : [{ settings, listener }]
    })
  }

  /** Of listeners that stay though others of their name were to come, whose TLS has taken the place of theirs. */
  async #renewTls(stays: readonly OpenListener[]): Promise<void> {
    for (const { settings, listener } of stays) listener.change(settings, (await this.#prepareTls(settings))?.())
  }

  async #remove(open: OpenListener): Promise<void> {
    if (!this.#open.includes(open)) return
    this.#open = this.#open.filter((other) => other !== open)
    await open.listener.stop()
    const { name } = open.settings
    if (!this.#open.some(({ settings }) => settings.name === name)) this.#tls?.remove(name)
  }

  async #start(settings: ListenerSettings, tls: TlsEntry | undefined): Promise<OpenListener> {
    try {
      const listener = await this.#make(settings, tls)
      await listener.start()
      const open = { settings, listener }
      this.#open = [...this.#open, open]
      return open
    } catch (error) {
      this.#tls?.remove(settings.name)
      throw error
    }
  }

  async #prepareTls({ name, key, tls }: ListenerSettings): Promise<(() => TlsEntry) | undefined> {
    if (tls === undefined) return undefined
    if (this.#tls === undefined) {
      const { TlsSide } = await import('../listeners/tls/tls-side.ts')
      this.#tls = new TlsSide(this.#log)
      this.#tls.start()
    }
    return this.#tls.prepare(name, key ?? '', tls)
  }

  /** HTTP is loaded at the start or never. */
  #checkHttp(next: readonly ListenerSettings[]): void {
    const isServed = this.#open.some(({ settings }) => isHttp(settings.kind))
    if (next.some(({ kind }) => isHttp(kind)) === isServed) return
    throw new HubbubError(
      'CONFIG_INVALID',
      'Cannot change the listeners of a running hub: HTTP must be served as before, it begins and ends with a start of the hub',
    )
  }
}

function isSamePlace(one: ListenerSettings, other: ListenerSettings): boolean {
  const fields = ['name', 'kind', 'host', 'port', 'path'] as const
  return fields.every((field) => one[field] === other[field])
}

/** Whether one cannot listen while the other is there. */
function isInTheWay(old: ListenerSettings, next: ListenerSettings): boolean {
  return next.path === undefined ? next.port !== 0 && old.port === next.port : old.path === next.path
}
