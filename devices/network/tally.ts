/** Counts what all devices of a run do together. */
export class Tally {
  /** Now. */
  connected = 0
  /** Since the start. */
  connects = 0
  /** PUBLISH packets handed to the network, without those sent again. */
  published = 0
  /** Of QoS 1 and 2. */
  acknowledged = 0
  /** Of QoS 0, because there was no connection. */
  skipped = 0
  /** Commands and talk. */
  received = 0
  replies = 0
  /** Connections ended without a word, on purpose. */
  cuts = 0
  errors = 0
  lastError: string | undefined

  failed(what: string): void {
    this.errors++
    this.lastError = what
  }
}
