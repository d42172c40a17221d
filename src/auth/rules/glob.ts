/** A name in which each `*` stands for any text, none included. */
export class Glob {
  readonly text: string
  readonly #pieces: readonly string[]

  constructor(text: string) {
    this.text = text
    this.#pieces = text.split('*')
  }

  /** It stands for one name alone. */
  get isLiteral(): boolean {
    return this.#pieces.length === 1
  }

  /** Linear for each piece, whatever the name is: names come from strangers. */
  matches(name: string): boolean {
    const [first = '', ...others] = this.#pieces
    const last = others.pop()
    if (last === undefined) return name === first
    if (name.length < first.length + last.length || !name.startsWith(first) || !name.endsWith(last)) return false
    let at = first.length
    const end = name.length - last.length
    for (const piece of others) {
      const found = name.indexOf(piece, at)
      if (found === -1 || found + piece.length > end) return false
      at = found + piece.length
    }
    return true
  }
}
