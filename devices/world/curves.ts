import type { Random } from './random.ts'

const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000

/** A cosine over the day, from 0 at its lowest to 1 at its highest, which is at `peakHour` (UTC). */
export function dayCurve(nowMs: number, peakHour: number): number {
  return 0.5 + 0.5 * Math.cos(((nowMs - peakHour * HOUR_MS) / DAY_MS) * 2 * Math.PI)
}

/** The hour of the day (UTC), from 0 up to and without 24. */
export function hourOfDay(nowMs: number): number {
  return (nowMs % DAY_MS) / HOUR_MS
}

/** How bright the sky is, from 0 (from 20 to 6 o'clock, UTC) to 1 (at 13 o'clock). */
export function daylight(nowMs: number): number {
  return Math.max(0, Math.sin(((hourOfDay(nowMs) - 6) / 14) * Math.PI))
}

/**
 * A value that wanders and is drawn back, such as wind or the error of a sensor (an Ornstein-Uhlenbeck process): around 0, most of
 * the time within twice `deviation`, and forgetting where it was within `memorySeconds`.
 */
export class Drift {
  #value = 0
  readonly #random: Random
  readonly #deviation: number
  readonly #memorySeconds: number

  constructor(random: Random, deviation: number, memorySeconds: number) {
    this.#random = random
    this.#deviation = deviation
    this.#memorySeconds = memorySeconds
  }

  /** Goes on by a time and returns the value then. */
  after(seconds: number): number {
    const kept = Math.exp(-seconds / this.#memorySeconds)
    this.#value = this.#value * kept + this.#random.normal() * this.#deviation * Math.sqrt(1 - kept * kept)
    return this.#value
  }
}

/** To a number of decimals, as sensors have it. */
export function round(value: number, decimals = 0): number {
  const factor = 10 ** decimals
  return Math.round(value * factor) / factor
}

export function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value))
}
