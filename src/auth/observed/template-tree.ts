import { isVariable, type TemplateLevel } from './seen-topics.ts'
import type { Sighting } from './observed.ts'

/** What speaks for a rule. */
export interface Evidence {
  /** Topics or filters that it stands for. */
  topics: number
  readonly clients: Set<string>
  count: number
  firstAtMs: number
  lastAtMs: number
}

interface Node {
  readonly below: Map<TemplateLevel, Node>
  /** Undefined: nothing was seen that ends here. */
  evidence: Evidence | undefined
}

/** So many names beside each other, with the same below each, are one of a kind. */
const MIN_ALIKE = 5
/** A name of which more than this hangs below is not joined with others. */
const MAX_ENDS = 200

/** Tells whether level `at` of a filter may be any name, and not only the known ones. */
export type MayWiden = (filter: readonly TemplateLevel[], at: number, known: ReadonlySet<string>) => boolean

/** The templates of those who are alike, as a tree, in which names that are one of a kind become `+`. */
export class TemplateTree {
  #root: Node = makeNode()
  /** Numbers of the shapes of subtrees: alike ones have the same. */
  readonly #shapes = new Map<string, number>()

  add(template: readonly TemplateLevel[], { clientId, user, count, firstAtMs, lastAtMs }: Sighting): void {
    let node = this.#root
    for (const level of template) {
      let next = node.below.get(level)
      if (next === undefined) {
        next = makeNode()
        node.below.set(level, next)
      }
      node = next
    }
    const clients = new Set([`${clientId ?? ''}\0${user ?? ''}`])
    node.evidence = together(node.evidence, { topics: 1, clients, count, firstAtMs, lastAtMs })
  }

  /** Joins names that are one of a kind, from the leaves up; never at the first level, which tells applications apart. */
  widen(mayWiden: MayWiden): void {
    this.#root = this.#widened(this.#root, [], mayWiden)
  }

  *ends(): Generator<readonly [template: readonly TemplateLevel[], evidence: Evidence], void, undefined> {
    yield* endsOf(this.#root, [])
  }

  #widened({ below, evidence }: Node, path: readonly TemplateLevel[], mayWiden: MayWiden): Node {
    const alike = new Map<string, [TemplateLevel, Node][]>()
    for (const [level, node] of below) {
      const widened = this.#widened(node, [...path, level], mayWiden)
      const isSingle = path.length === 0 || level === '+' || level === '#' || isVariable(level)
      const kind = isSingle ? `one ${level}` : `all ${this.#shapeOf(widened)}`
      const others = alike.get(kind)
      if (others === undefined) alike.set(kind, [[level, widened]])
      else others.push([level, widened])
    }
    const next: Node = { below: new Map(), evidence }
    for (const members of alike.values()) {
      if (members.length >= MIN_ALIKE && mayJoin(members, path, mayWiden)) {
        for (const [, node] of members) put(next, '+', node)
      } else for (const [level, node] of members) put(next, level, node)
    }
    return next
  }

  #shapeOf({ below, evidence }: Node): number {
    const parts = [...below].map(([level, node]) => `${JSON.stringify(level)}${this.#shapeOf(node)}`).toSorted()
    const key = `${evidence === undefined ? '' : '.'}${parts.join()}`
    const shape = this.#shapes.get(key) ?? this.#shapes.size
    this.#shapes.set(key, shape)
    return shape
  }
}

function mayJoin(
  members: readonly (readonly [level: TemplateLevel, node: Node])[],
  path: readonly TemplateLevel[],
  mayWiden: MayWiden,
): boolean {
  const known = new Set(members.map(([level]) => level))
  const [first] = members
  if (first === undefined) return false
  let ends = 0
  for (const [rest] of endsOf(first[1], [])) {
    if (++ends > MAX_ENDS || !mayWiden([...path, '+', ...rest], path.length, known)) return false
  }
  return true
}

function put(parent: Node, level: TemplateLevel, node: Node): void {
  const known = parent.below.get(level)
  parent.below.set(level, known === undefined ? node : joined(known, node))
}

function joined(a: Node, b: Node): Node {
  const below = new Map(a.below)
  const node: Node = { below, evidence: b.evidence === undefined ? a.evidence : together(a.evidence, b.evidence) }
  for (const [level, part] of b.below) put(node, level, part)
  return node
}

/** One for both; the first may be changed. */
export function together(a: Evidence | undefined, b: Evidence): Evidence {
  if (a === undefined) return b
  for (const client of b.clients) a.clients.add(client)
  a.topics += b.topics
  a.count += b.count
  a.firstAtMs = Math.min(a.firstAtMs, b.firstAtMs)
  a.lastAtMs = Math.max(a.lastAtMs, b.lastAtMs)
  return a
}

function* endsOf(
  { below, evidence }: Node,
  path: readonly TemplateLevel[],
): Generator<readonly [template: readonly TemplateLevel[], evidence: Evidence], void, undefined> {
  if (evidence !== undefined) yield [path, evidence]
  for (const [level, node] of below) yield* endsOf(node, [...path, level])
}

function makeNode(): Node {
  return { below: new Map(), evidence: undefined }
}
