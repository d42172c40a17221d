// Hot path: runs per PUBLISH while subscriptions with wildcards change; measured by `npm run bench`, rows with topics at random.

const SLASH = 0x2f
const DOLLAR = 0x24
const REST = Buffer.from('#')
const ANY = Buffer.from('+')

/** A valid topic filter that is held against the bytes of topic names, for which no string is made. */
export class LevelFilter {
  readonly #levels: readonly Buffer[]

  constructor(filter: string) {
    this.#levels = filter.split('/').map(levelOf)
  }

  /** Tells whether the valid topic name `bytes[start, end)` falls under it, as `filterMatches` does. */
  matches(bytes: Uint8Array, start: number, end: number): boolean {
    const levels = this.#levels
    let at = start
    for (let i = 0; i < levels.length; i++) {
      const level = levels[i]
      // [MQTT-4.7.2-1] a leading wildcard never reaches topics that begin with "$".
      if ((level === REST || level === ANY) && i === 0 && bytes[start] === DOLLAR) return false
      if (level === REST) return true
      if (level === undefined || at > end) return false
      if (level === ANY) {
        while (at < end && bytes[at] !== SLASH) at++
      } else {
        const levelEnd = at + level.length
        if (levelEnd > end) return false
        for (let j = 0; at < levelEnd; j++, at++) if (level[j] !== bytes[at]) return false
        if (at < end && bytes[at] !== SLASH) return false
      }
      at++
    }
    return at > end
  }
}

function levelOf(text: string): Buffer {
  if (text === '#') return REST
  return text === '+' ? ANY : Buffer.from(text)
}
