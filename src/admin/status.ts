import type { TimesReport } from '../observe/recent-times.ts'

/** How the hub as a whole fares, told by whoever put it together. */
export interface HubStatus {
  readonly version: string
  /** Where it listens. */
  addresses(): HubAddresses
  health(): HubHealth
  /** Why the hub cannot do its work now, each as a sentence; empty when it listens and its store can write. */
  faults(): readonly string[]
}

/** Where a hub listens. */
export interface HubAddresses {
  /** MQTT over TCP: the first listener for it. Where there is none, the first for TLS, else for WebSockets, else a Unix socket. */
  readonly mqtt: Address
  /** HTTP, and MQTT over WebSocket at `/mqtt`: the first listener for it, else for HTTPS; undefined when HTTP is switched off. */
  readonly http: Address | undefined
  /** All of them. */
  readonly listeners: readonly ListenerAddress[]
}

export interface ListenerAddress extends Address {
  readonly name: string
  readonly kind: 'mqtt' | 'mqtts' | 'http' | 'https' | 'unix'
}

export interface Address {
  /** Of a Unix socket its path; its port is 0. */
  readonly host: string
  readonly port: number
}

/** Over the last ten to twenty seconds. */
export interface HubHealth {
  readonly eventLoopDelay: TimesReport | undefined
  /** Undefined: nothing was written, or the store is in memory. */
  readonly storeWrites: TimesReport | undefined
  readonly isStoreFailing: boolean
  /** On disk; undefined when the store is in memory. */
  readonly storeBytes: number | undefined
}
