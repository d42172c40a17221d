// Hot path: `numbers` goes through all that is retained under a filter; measured by `npm run bench`, rows "retained".
import type { NameSource, Place, SortedNames } from './sorted-names.ts'

const SLASH = 0x2f
const DOLLAR = 0x24
/** Behind the slash, and not behind anything else. */
const BEHIND_SLASH = 0x01
const ANY = Buffer.from('+')
/** Names looked at between two pauses: a small part of a millisecond. */
const NAMES_BETWEEN_PAUSES = 500
/** To look a name up costs about as much as looking at so many. */
const SEEK_NAMES = 16
/** Names that are passed one by one before the next one wanted is looked up. */
const STEPS_BEFORE_SEEK = 8
const FIRST_KEY_BYTES = 256

/** What is to be done about a name. */
type Verdict = 'take' | 'pass' | 'skip' | 'end'

/** A walk through the names that fall under a valid filter, in their order. What cannot match is skipped, branch by branch. */
export class NameWalk {
  readonly #names: SortedNames
  readonly #source: NameSource
  readonly #levels: readonly Buffer[]
  /** The filter ends with "#". */
  readonly #hasRest: boolean
  /** Levels before the first wildcard. */
  readonly #literalLevels: number
  /** Where the walk goes on: a name or what no name is, `#key[0, #keyEnd)`. */
  #key = Buffer.alloc(FIRST_KEY_BYTES)
  #keyEnd = 0

  constructor(names: SortedNames, source: NameSource, filter: string) {
    this.#names = names
    this.#source = source
    const levels = filter.split('/')
    this.#hasRest = levels.at(-1) === '#'
    if (this.#hasRest) levels.pop()
    this.#levels = levels.map((level) => (level === '+' ? ANY : Buffer.from(level)))
    const wildcard = levels.indexOf('+')
    this.#literalLevels = wildcard === -1 ? levels.length : wildcard
  }

  /**
   * The numbers, from the first behind the name `after` on.
   *
   *   1. It is lazy, so that its consumer can spread it over turns of the event loop. 0 is a pause, offered every few hundred names
   *      whether they match or not: whoever stops there has held the loop for well under a millisecond.
   *   2. Names may come and go between two steps: what has gone is not yielded, what has come may be. A number is good until then.
   */
  *numbers(after: string | undefined): Generator<number, void, undefined> {
    const names = this.#names
    let place = this.#start(after)
    let looked = 0
    for (let number = names.at(place); number !== 0; number = names.at(place)) {
      if (looked >= NAMES_BETWEEN_PAUSES) {
        looked = 0
        const { changes } = names
        this.#holdName(number)
        yield 0
        if (names.changes !== changes) place = names.seek(this.#key, 0, this.#keyEnd)
        continue
      }
      looked++
      const verdict = this.#look(number)
      if (verdict === 'end') return
      if (verdict === 'pass') {
        place = names.next(place)
      } else if (verdict === 'take') {
        const { changes } = names
        this.#holdName(number)
        yield number
        place = names.changes === changes ? names.next(place) : this.#behindKey()
      } else {
        for (let step = 0; step < STEPS_BEFORE_SEEK && this.#isBeforeKey(place); step++, looked++)
          place = names.next(place)
        if (!this.#isBeforeKey(place)) continue
        place = names.seek(this.#key, 0, this.#keyEnd)
        looked += SEEK_NAMES
      }
    }
  }

  #start(after: string | undefined): Place {
    const names = this.#names
    const literal = Buffer.from(this.#levels.slice(0, this.#literalLevels).join('/'))
    const first = names.seek(literal, 0, literal.length)
    if (after === undefined) return first
    this.#keyEnd = 0
    this.#append(Buffer.from(after), 0, Buffer.byteLength(after))
    return Math.max(first, this.#behindKey())
  }

  /** The place of the first name behind the key. */
  #behindKey(): Place {
    const names = this.#names
    const place = names.seek(this.#key, 0, this.#keyEnd)
    const number = names.at(place)
    return number !== 0 && names.compare(number, this.#key, 0, this.#keyEnd) === 0 ? names.next(place) : place
  }

  #isBeforeKey(place: Place): boolean {
    const number = this.#names.at(place)
    return number !== 0 && this.#names.compare(number, this.#key, 0, this.#keyEnd) < 0
  }

  /** Holds a name against the filter. With `skip` no name before the key can match. */
  #look(number: number): Verdict {
    const source = this.#source
    source.turnTo(number)
    const { bytes, start, end } = source
    const levels = this.#levels
    // [MQTT-4.7.2-1] a leading wildcard never reaches topics that begin with "$".
    if (this.#literalLevels === 0 && bytes[start] === DOLLAR)
      return this.#skipBelow(bytes, start, levelEnd(bytes, start, end))
    let at = start
    for (let i = 0; i < levels.length; i++) {
      const level = levels[i]
      if (level === undefined || at > end) return 'pass'
      const ownEnd = levelEnd(bytes, at, end)
      const order = level === ANY ? 0 : compareLevel(bytes, at, ownEnd, level)
      if (order !== 0) {
        if (i < this.#literalLevels) return 'end'
        if (order > 0) return this.#skipBelow(bytes, start, at - 1)
        this.#keyEnd = 0
        this.#append(bytes, start, at)
        this.#append(level, 0, level.length)
        return 'skip'
      }
      at = ownEnd + 1
    }
    // [MQTT-3.1.1 §4.7.1.2] "#" reaches the level above it too.
    return this.#hasRest || at > end ? 'take' : this.#skipBelow(bytes, start, at - 1)
  }

  /** Nothing more below the levels `bytes[start, end)` can match. */
  #skipBelow(bytes: Uint8Array, start: number, end: number): Verdict {
    this.#keyEnd = 0
    this.#append(bytes, start, end)
    this.#grow(1)
    this.#key[this.#keyEnd++] = BEHIND_SLASH
    return 'skip'
  }

  #holdName(number: number): void {
    const source = this.#source
    source.turnTo(number)
    this.#keyEnd = 0
    this.#append(source.bytes, source.start, source.end)
  }

  #append(bytes: Uint8Array, start: number, end: number): void {
    this.#grow(end - start)
    const key = this.#key
    let keyEnd = this.#keyEnd
    for (let i = start; i < end; i++) key[keyEnd++] = bytes[i] ?? 0
    this.#keyEnd = keyEnd
  }

  #grow(bytes: number): void {
    if (this.#keyEnd + bytes <= this.#key.length) return
    const grown = Buffer.alloc((this.#keyEnd + bytes) * 2)
    this.#key.copy(grown)
    this.#key = grown
  }
}

/** The end of the level of the name `bytes[start, end)` that begins at `at`. */
export function levelEnd(bytes: Uint8Array, at: number, end: number): number {
  let i = at
  while (i < end && bytes[i] !== SLASH) i++
  return i
}

/** Below 0, 0 or above 0 as `bytes[start, end)`, in which there is no slash, is before `level`, the same, or behind it. */
function compareLevel(bytes: Uint8Array, start: number, end: number, level: Buffer): number {
  for (let at = start, i = 0; at < end && i < level.length; at++, i++) {
    const order = (bytes[at] ?? 0) - (level[i] ?? 0)
    if (order !== 0) return order
  }
  return end - start - level.length
}
