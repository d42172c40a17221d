/** Things that fall due at a time, to the second: to add and to take back costs a Map look-up. */
export class Deadlines<T> {
  readonly #bySecond = new Map<number, Set<T>>()
  readonly #secondOf = new Map<T, number>()
  #lastSecond: number

  /** Times are in ms by the hub's clock of lifetimes, which never goes back. */
  constructor(nowMs: number) {
    this.#lastSecond = Math.floor(nowMs / 1000)
  }

  /** Nothing falls due before this time, which may be years after that of the constructor: the store knew it. Before anything is set. */
  begin(nowMs: number): void {
    this.#lastSecond = Math.floor(nowMs / 1000)
  }

  /** What is due already falls due at the next `takeDue`. In place of an earlier time of the same thing. */
  set(item: T, atMs: number): void {
    this.delete(item)
    const second = Math.max(Math.ceil(atMs / 1000), this.#lastSecond + 1)
    const items = this.#bySecond.get(second)
    if (items === undefined) this.#bySecond.set(second, new Set([item]))
    else items.add(item)
    this.#secondOf.set(item, second)
  }

  delete(item: T): void {
    const second = this.#secondOf.get(item)
    if (second === undefined) return
    this.#secondOf.delete(item)
    const items = this.#bySecond.get(second)
    items?.delete(item)
    if (items?.size === 0) this.#bySecond.delete(second)
  }

  /**
   * Takes out what has fallen due by now one after the other, earliest first. What is deleted or set anew meanwhile is as if it had
   * been before.
   */
  *takeDue(nowMs: number): Generator<T, void, undefined> {
    const nowSecond = Math.floor(nowMs / 1000)
    for (; this.#lastSecond < nowSecond; this.#lastSecond++) {
      const second = this.#lastSecond + 1
      // One that is empty is gone; there may be another by then.
      for (let items = this.#bySecond.get(second); items !== undefined; items = this.#bySecond.get(second)) {
        for (const item of items) {
          this.delete(item)
          yield item
        }
      }
    }
  }
}
