import { type NameSource, SortedNames } from '../../src/topics/sorted-names.ts'

/** Names by number, each in memory of its own. */
export class NameList implements NameSource {
  bytes = Buffer.alloc(0)
  start = 0
  end = 0
  readonly #names: Buffer[] = [Buffer.alloc(0)]

  /** The number of a new name. */
  add(name: string): number {
    return this.#names.push(Buffer.from(name)) - 1
  }

  name(number: number): string {
    return this.#names[number]?.toString() ?? ''
  }

  turnTo(number: number): void {
    const name = this.#names[number] ?? Buffer.alloc(0)
    // Within others, as it is in a log.
    this.bytes = Buffer.concat([Buffer.from('/x'), name, Buffer.from('y/')])
    this.start = 2
    this.end = 2 + name.length
  }
}

/** An index beside the set of names that must be in it. */
export class IndexedNames {
  readonly list = new NameList()
  readonly names = new SortedNames(this.list)
  readonly numbers = new Map<string, number>()

  constructor(names: Iterable<string> = []) {
    for (const name of names) this.add(name)
  }

  add(name: string): void {
    if (this.numbers.has(name)) return
    const number = this.list.add(name)
    this.numbers.set(name, number)
    this.names.add(number)
  }

  remove(name: string): void {
    const number = this.numbers.get(name)
    if (number === undefined) return
    this.names.remove(number)
    this.numbers.delete(name)
  }
}

/** The order that names are in, the slow way. */
export function naiveOrder(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one.replaceAll('/', '\0')), Buffer.from(other.replaceAll('/', '\0')))
}
