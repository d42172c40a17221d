/** What a load is averaged over. */
export const LOAD_WINDOWS_MINUTES = [1, 5, 15] as const

/** How often something happens in a minute, averaged over several windows so that recent events weigh most. */
export class LoadAverage {
  readonly #perMinute = new Map<number, number>()
  #total = 0

  /** Adds a measurement: how often it has happened since the start, `minutes` after the last measurement. */
  update(total: number, minutes: number): void {
    if (minutes <= 0) return
    const perMinute = (total - this.#total) / minutes
    this.#total = total
    for (const windowMinutes of LOAD_WINDOWS_MINUTES) {
      const before = this.perMinute(windowMinutes)
      const weight = 1 - Math.exp(-minutes / windowMinutes)
      this.#perMinute.set(windowMinutes, before + weight * (perMinute - before))
    }
  }

  perMinute(windowMinutes: number): number {
    return this.#perMinute.get(windowMinutes) ?? 0
  }
}
