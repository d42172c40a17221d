import btree from 'sorted-btree'
import type { Session } from './session.ts'

/** Sessions by client identifier: found by a look-up, and in order for those who list them a page at a time. */
export class SessionIndex {
  readonly #byClientId = new Map<string, Session>()
  readonly #sorted = new btree.default<string, Session>(undefined, compareIds)

  get size(): number {
    return this.#byClientId.size
  }

  get(clientId: string): Session | undefined {
    return this.#byClientId.get(clientId)
  }

  set(session: Session): void {
    this.#byClientId.set(session.clientId, session)
    this.#sorted.set(session.clientId, session)
  }

  delete(clientId: string): void {
    this.#byClientId.delete(clientId)
    this.#sorted.delete(clientId)
  }

  values(): Iterable<Session> {
    return this.#byClientId.values()
  }

  /** Sorted by client identifier, from the first behind `after` on. Sessions may come and go while it is walked. */
  *behind(after: string | undefined): Generator<Session, void, undefined> {
    let next = after === undefined ? this.#sorted.getPairOrNextHigher('') : this.#sorted.nextHigherPair(after)
    while (next !== undefined) {
      yield next[1]
      next = this.#sorted.nextHigherPair(next[0])
    }
  }
}

/** By code units: the same on every machine. */
function compareIds(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0
}
