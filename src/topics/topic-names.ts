import { hasWildcard } from '../protocol/topic.ts'
import { LevelNode } from './level-node.ts'

/** Nodes that a walk visits between two pauses: a small part of a millisecond. */
const NODES_BETWEEN_PAUSES = 500

/** Children that a walk has still to visit, and how many levels of the filter lead to them. */
interface Branch<T> {
  readonly nodes: Iterator<LevelNode<T>>
  readonly depth: number
}

/**
 * Values by topic name. One is found, set or deleted by a Map look-up; those that fall under a filter are found by a walk
 * that visits only what the filter can reach.
 */
export class TopicNameTree<T extends object> {
  readonly #root = LevelNode.createRoot<T>()
  readonly #nodes = new Map<string, LevelNode<T>>()

  get size(): number {
    return this.#nodes.size
  }

  get(topic: string): T | undefined {
    return this.#nodes.get(topic)?.value
  }

  set(topic: string, value: T): void {
    let node = this.#nodes.get(topic)
    if (node === undefined) {
      node = this.#root.grow(topic.split('/'))
      this.#nodes.set(topic, node)
    }
    node.value = value
  }

  /** All values, in the order in which their topics came. The tree may change meanwhile. */
  *values(): Generator<T, void, undefined> {
    for (const { value } of this.#nodes.values()) if (value !== undefined) yield value
  }

  get root(): LevelNode<T> {
    return this.#root
  }

  /** The node where the levels of `prefix` end. */
  find(prefix: string): LevelNode<T> | undefined {
    return this.#root.find(prefix.split('/'))
  }

  /** Returns whether there was a value. */
  delete(topic: string): boolean {
    const node = this.#nodes.get(topic)
    if (node === undefined) return false
    this.#nodes.delete(topic)
    node.value = undefined
    node.prune()
    return true
  }

  /**
   * Walks the values whose topic falls under a valid `filter`.
   *
   *   1. It is lazy, so that its consumer can spread it over turns of the event loop. `undefined` is a pause, offered every
   *      few hundred nodes whether they had values or not: whoever stops there has held the loop well under a millisecond.
   *   2. The tree may change between two steps: what was deleted is not yielded, what was added may be.
   */
  *matching(filter: string): Generator<T | undefined, void, undefined> {
    if (!hasWildcard(filter)) {
      const value = this.get(filter)
      if (value !== undefined) yield value
      return
    }
    const levels = filter.split('/')
    const isLeadingWildcard = levels[0] === '+' || levels[0] === '#'
    const branches: Branch<T>[] = [{ nodes: [this.#root].values(), depth: 0 }]
    let visitedNodes = 0
    for (let branch = branches[0]; branch !== undefined; branch = branches.at(-1)) {
      const next = branch.nodes.next()
      if (next.done === true) {
        branches.pop()
        continue
      }
      // [MQTT-4.7.2-1] Under a leading wildcard the second branch is that of the first levels.
      if (isLeadingWildcard && branches.length === 2 && next.value.level.startsWith('$')) continue
      if (++visitedNodes % NODES_BETWEEN_PAUSES === 0) yield undefined
      let depth = branch.depth
      let node: LevelNode<T> | undefined = next.value
      let level = levels[depth]
      while (node !== undefined && level !== undefined && level !== '+' && level !== '#') {
        node = node.child(level)
        level = levels[++depth]
      }
      if (node === undefined) continue
      // '#' reaches the level above it too [MQTT-3.1.1 §4.7.1.2].
      if ((level === undefined || level === '#') && node.value !== undefined) yield node.value
      if (level !== undefined && node.hasChildren) {
        branches.push({ nodes: node.children(), depth: level === '#' ? depth : depth + 1 })
      }
    }
  }
}
