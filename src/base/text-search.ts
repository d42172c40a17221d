/** How much of a payload is searched. */
export const SEARCHED_BYTES = 256 * 1024
/** By so much of a text the platform looks for it first: fast, and slow in the worst case only by this factor. */
const START_CHARACTERS = 16

/**
 * Looks for a text, in upper or lower case, in time that grows with what is searched and not with the length of the text too: the
 * platform's `includes` takes their product when both are made for it.
 */
export class TextSearch {
  readonly #text: string
  readonly #start: string
  /** Where to go on in the text when a character does not match (Knuth, Morris and Pratt, 1977). */
  readonly #retreats: Uint16Array

  /** `text` has at most 65,535 characters in lower case. */
  constructor(text: string) {
    this.#text = text.toLowerCase()
    this.#start = this.#text.slice(0, START_CHARACTERS)
    this.#retreats = retreatsOf(this.#text)
  }

  isIn(text: string): boolean {
    const searched = text.toLowerCase()
    if (!searched.includes(this.#start)) return false
    return this.#text.length === this.#start.length || this.#isWholeIn(searched)
  }

  /** In the first 256 KiB of a payload as UTF-8. */
  isInPayload(payload: Buffer): boolean {
    return this.isIn(payload.toString('utf8', 0, SEARCHED_BYTES))
  }

  #isWholeIn(searched: string): boolean {
    const text = this.#text
    let matched = 0
    for (let at = 0; at < searched.length; at++) {
      const character = searched.charCodeAt(at)
      while (matched > 0 && character !== text.charCodeAt(matched)) matched = this.#retreats[matched - 1] ?? 0
      if (character === text.charCodeAt(matched)) matched++
      if (matched === text.length) return true
    }
    return false
  }
}

/** For each length of a beginning of `text`: the longest shorter beginning that it ends with. */
function retreatsOf(text: string): Uint16Array {
  const retreats = new Uint16Array(text.length)
  let matched = 0
  for (let at = 1; at < text.length; at++) {
    while (matched > 0 && text.charCodeAt(at) !== text.charCodeAt(matched)) matched = retreats[matched - 1] ?? 0
    if (text.charCodeAt(at) === text.charCodeAt(matched)) matched++
    retreats[at] = matched
  }
  return retreats
}
