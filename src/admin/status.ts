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
  /** MQTT over TCP. */
  readonly mqtt: Address
  /** HTTP, and MQTT over WebSocket at `/mqtt`; undefined when HTTP is switched off. */
  readonly http: Address | undefined
}

export interface Address {
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
