// Topic filters as sets of topics, exactly. Level names are without number, so each depth of a filter lies in a union of filters
// only if it lies in one of them: no search through combinations.

/** A topic filter, or a topic, level by level; `#` alone is two levels. What a variable has become is a level like another. */
export type Levels = readonly string[]

const ANY = '+'
const REST = '#'

/** `#` is read as `+/#`, which has the same topics. */
export function levelsOf(filter: string): Levels {
  return filter === REST ? [ANY, REST] : filter.split('/')
}

/** The filter as people write it. */
export function filterText(levels: Levels): string {
  const text = levels.join('/')
  return text === '+/#' ? REST : text
}

/** [MQTT-4.7.2-1] A leading wildcard never reaches topics that begin with "$". */
function isHidden(level: string | undefined): boolean {
  return level?.startsWith('$') === true
}

/** Tells whether every topic of `inner` falls under `outer`; a topic is a filter of itself alone. */
export function contains(outer: Levels, inner: Levels): boolean {
  if (outer[0] === ANY && isHidden(inner[0])) return false
  for (let i = 0; ; i++) {
    const level = outer[i]
    if (level === REST) return true // also when nothing is left: "a/#" takes in "a" [MQTT-4.7.1-2]
    const other = inner[i]
    if (level === undefined || other === undefined) return level === other
    if (other === REST) return false
    if (level !== ANY && level !== other) return false
  }
}

/** The filter of the topics that fall under both, or undefined when there are none. */
export function meet(a: Levels, b: Levels): Levels | undefined {
  if ((a[0] === ANY && isHidden(b[0])) || (b[0] === ANY && isHidden(a[0]))) return undefined
  const common: string[] = []
  for (let i = 0; ; i++) {
    const x = a[i]
    const y = b[i]
    if (x === undefined) return y === undefined || y === REST ? common : undefined
    if (y === undefined) return x === REST ? common : undefined
    if (x === REST) return appendRest(common, b, i)
    if (y === REST) return appendRest(common, a, i)
    if (x !== ANY && y !== ANY && x !== y) return undefined
    common.push(x === ANY ? y : x)
  }
}

function appendRest(common: string[], levels: Levels, start: number): Levels {
  for (let i = start; i < levels.length; i++) common.push(levels[i] ?? '')
  return common
}

/** Filters that are asked together. Each has the number under which it was added. */
export interface FilterSet {
  /** How many levels the longest has. */
  readonly maxLevels: number
  add(levels: Levels, number: number): void
  /** The number of one that contains it by itself, or -1. */
  findContaining(levels: Levels): number
}

/**
 * Tells whether every topic of `asked` falls under at least one of the filters. `onFound` is told the number of each filter that was
 * needed; what it is told counts only when the answer is yes.
 */
export function isCovered(asked: Levels, filters: FilterSet, onFound?: (number: number) => void): boolean {
  const whole = filters.findContaining(asked)
  if (whole !== -1) {
    onFound?.(whole)
    return true
  }
  if (asked.at(-1) !== REST) return false
  const probe = asked.slice(0, -1)
  // The topics of `asked` by depth, down to one level below the deepest filter: below that, all depths are alike.
  const deepest = Math.max(filters.maxLevels, probe.length) + 1
  for (; probe.length <= deepest; probe.push(ANY)) {
    const number = filters.findContaining(probe)
    if (number === -1) return false
    onFound?.(number)
  }
  return true
}

/** A set for few filters: made for nothing, asked one after the other. */
export class FilterList implements FilterSet {
  readonly #filters: Levels[] = []
  readonly #numbers: number[] = []
  maxLevels = 0

  add(levels: Levels, number: number): void {
    this.#filters.push(levels)
    this.#numbers.push(number)
    if (levels.length > this.maxLevels) this.maxLevels = levels.length
  }

  findContaining(levels: Levels): number {
    for (const [i, filter] of this.#filters.entries()) {
      if (contains(filter, levels)) return this.#numbers[i] ?? -1
    }
    return -1
  }
}

interface Node {
  below: Map<string, Node> | undefined
  /** The filter that ends here, and the one that goes on with "#"; -1: none. */
  number: number
  restNumber: number
}

/** A set for thousands of filters. */
export class FilterTree implements FilterSet {
  readonly #root = makeNode()
  maxLevels = 0

  add(levels: Levels, number: number): void {
    let node = this.#root
    for (const level of levels) {
      if (level === REST) {
        if (node.restNumber === -1) node.restNumber = number
        break
      }
      node.below ??= new Map()
      let next = node.below.get(level)
      if (next === undefined) {
        next = makeNode()
        node.below.set(level, next)
      }
      node = next
    }
    if (levels.at(-1) !== REST && node.number === -1) node.number = number
    if (levels.length > this.maxLevels) this.maxLevels = levels.length
  }

  findContaining(levels: Levels): number {
    return find(this.#root, levels, 0)
  }
}

function makeNode(): Node {
  return { below: undefined, number: -1, restNumber: -1 }
}

function find(node: Node, levels: Levels, i: number): number {
  if (node.restNumber !== -1) return node.restNumber
  const level = levels[i]
  if (level === undefined) return node.number
  if (level === REST || node.below === undefined) return -1
  const any = i === 0 && isHidden(level) ? undefined : node.below.get(ANY)
  const found = any === undefined ? -1 : find(any, levels, i + 1)
  if (found !== -1 || level === ANY) return found
  const next = node.below.get(level)
  return next === undefined ? -1 : find(next, levels, i + 1)
}
