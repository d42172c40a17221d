/** `here`: it is connected; `away`: its session is kept for it; `gone`: it has no session any more. */
export type PresenceState = 'here' | 'away' | 'gone'

export interface PresenceChange {
  readonly clientId: string
  readonly state: PresenceState
  /** By the hub's clock, in ms since 1970. */
  readonly atMs: number
}

/** Tells who comes and goes, as it happens. */
export class Presence {
  readonly #watchers = new Set<(change: PresenceChange) => void>()

  watch(changed: (change: PresenceChange) => void): () => void {
    this.#watchers.add(changed)
    return () => void this.#watchers.delete(changed)
  }

  tell(change: PresenceChange): void {
    for (const changed of this.#watchers) changed(change)
  }
}
