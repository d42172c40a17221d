export interface Fault {
  count: number
  /** The first one seen. */
  readonly example: string
}

export type FaultsByKind = Record<string, Fault>

/** What went wrong, counted by kind. Travels between processes as JSON. */
export class Faults {
  readonly byKind: FaultsByKind = {}

  add(kind: string, example: string, count = 1): void {
    const fault = this.byKind[kind]
    if (fault === undefined) this.byKind[kind] = { count, example }
    else fault.count += count
  }

  addAll(others: FaultsByKind): void {
    for (const [kind, { count, example }] of Object.entries(others)) this.add(kind, example, count)
  }

  countOf(kind: string): number {
    return this.byKind[kind]?.count ?? 0
  }

  get lines(): string[] {
    return Object.entries(this.byKind).map(([kind, { count, example }]) => `${kind}: ${count}, such as ${example}`)
  }
}
