/** A level of a template: a literal, `+`, `#`, or text with a variable in it: `\0u` the user, `\0c` the client identifier. */
export type TemplateLevel = string

interface Node {
  readonly below: Map<string, Node>
  /** Who was seen at the topic that ends here. */
  readonly users: Set<string | undefined>
}

/** After so many looks, a filter counts as one that takes in too much. */
const MAX_LOOKS = 100_000

/** All topics that were seen, each with the users who were: asked whether a wider filter would take in what belongs to others. */
export class SeenTopics {
  readonly #root = makeNode()

  add(levels: readonly string[], user: string | undefined): void {
    let node = this.#root
    for (const level of levels) {
      let next = node.below.get(level)
      if (next === undefined) {
        next = makeNode()
        node.below.set(level, next)
      }
      node = next
    }
    node.users.add(user)
  }

  /**
   * Tells whether a filter takes in a topic that `isForeign` says is for others, other than by the known names of its level `at`. `valuesOf`
   * gives what a level with a variable may become.
   */
  takesInOthers(
    filter: readonly TemplateLevel[],
    at: number,
    known: ReadonlySet<string>,
    valuesOf: (level: TemplateLevel) => ReadonlySet<string>,
    isForeign: (users: ReadonlySet<string | undefined>) => boolean,
  ): boolean {
    let looks = 0
    const find = (node: Node, i: number): boolean => {
      if (++looks > MAX_LOOKS) return true
      const level = filter[i]
      if (level === '#') return isAnywhere(node)
      if (level === undefined) return node.users.size > 0 && isForeign(node.users)
      if (level === '+' || isVariable(level)) {
        const values = level === '+' ? undefined : valuesOf(level)
        for (const [name, next] of node.below) {
          if (i === at && known.has(name)) continue
          if ((values === undefined || values.has(name)) && find(next, i + 1)) return true
        }
        return false
      }
      const next = node.below.get(level)
      return next !== undefined && find(next, i + 1)
    }
    const isAnywhere = (node: Node): boolean => {
      if (++looks > MAX_LOOKS || (node.users.size > 0 && isForeign(node.users))) return true
      for (const next of node.below.values()) if (isAnywhere(next)) return true
      return false
    }
    return find(this.#root, 0)
  }
}

function makeNode(): Node {
  return { below: new Map(), users: new Set() }
}

export function isVariable(level: TemplateLevel): boolean {
  return level.includes('\0')
}
