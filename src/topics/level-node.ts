/**
 * A node of a tree whose branches are the levels of topics. A leaf costs one small object; empty branches are cut off by
 * `prune`. A node that was cut off stays empty forever, so a walk that still holds it finds nothing there.
 */
export class LevelNode<V> {
  readonly level: string
  readonly #parent: LevelNode<V> | undefined
  value: V | undefined = undefined
  /** A lone child stands here itself: in a large tree most nodes have one at most, and a Map costs 200 bytes. */
  #children: LevelNode<V> | Map<string, LevelNode<V>> | undefined = undefined

  constructor(level: string, parent: LevelNode<V> | undefined) {
    this.level = level
    this.#parent = parent
  }

  static createRoot<V>(): LevelNode<V> {
    return new LevelNode<V>('', undefined)
  }

  get hasChildren(): boolean {
    return this.#children !== undefined
  }

  /** It has no child but this one, or none at all. */
  hasOnly(level: string): boolean {
    const children = this.#children
    return children === undefined || (!(children instanceof Map) && children.level === level)
  }

  child(level: string): LevelNode<V> | undefined {
    const children = this.#children
    if (children === undefined) return undefined
    if (children instanceof Map) return children.get(level)
    return children.level === level ? children : undefined
  }

  /** The children in the order they came. The tree may change while the iterator is in use. */
  children(): Iterator<LevelNode<V>> {
    const children = this.#children
    if (children instanceof Map) return children.values()
    return (children === undefined ? [] : [children]).values()
  }

  /** The node at the end of `levels`, taken from `depth` on and counted from this one, or undefined. */
  find(levels: readonly string[], depth = 0): LevelNode<V> | undefined {
    const level = levels[depth]
    return level === undefined ? this : this.child(level)?.find(levels, depth + 1)
  }

  /** The node at the end of `levels`, taken from `depth` on and counted from this one; what is missing is made. */
  grow(levels: readonly string[], depth = 0): LevelNode<V> {
    const level = levels[depth]
    return level === undefined ? this : (this.child(level) ?? this.#addChild(level)).grow(levels, depth + 1)
  }

  /** Cuts this node off if it has neither value nor children, then what that leaves empty above it. */
  prune(): void {
    if (this.#parent === undefined || this.value !== undefined || this.#children !== undefined) return
    this.#parent.#removeChild(this)
    this.#parent.prune()
  }

  #addChild(level: string): LevelNode<V> {
    const child = new LevelNode<V>(level, this)
    const children = this.#children
    if (children === undefined) this.#children = child
    else if (children instanceof Map) children.set(level, child)
    else this.#children = new Map([[children.level, children]]).set(level, child)
    return child
  }

  #removeChild(child: LevelNode<V>): void {
    const children = this.#children
    if (children instanceof Map) {
      children.delete(child.level)
      if (children.size > 0) return
    }
    this.#children = undefined
  }
}
