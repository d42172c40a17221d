/** A value that somebody wrote, with where it stands: for what is read part by part and has to say which part is wrong. */
export class Written {
  /** As the user wrote it; `createHub`, `a token` or the like for what is in no file. */
  readonly file: string
  /** From 1: of the key, of a value that has one. Undefined where there are no lines. */
  readonly line: number | undefined
  readonly value: WrittenValue
  /** A scalar as it is spelled, without quotes: what was meant as a name may have been read as a number. */
  readonly source: string

  constructor(file: string, line: number | undefined, value: WrittenValue, source: string) {
    this.file = file
    this.line = line
    this.value = value
    this.source = source
  }
}

export type WrittenValue = string | number | boolean | null | readonly Written[] | ReadonlyMap<string, Written>

/** Deeper than this nothing is written that the hub reads. */
const MAX_DEPTH = 32

/** The same of what a program or a token says, all of it in one place. What JSON does not have counts as null, and what is nested too deep. */
export function writtenBy(value: unknown, file: string, line?: number, depth = 0): Written {
  if (value instanceof Written) return value
  const made = (known: WrittenValue): Written => new Written(file, line, known, sourceOf(known))
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return made(value)
  if (typeof value !== 'object' || value === null || depth > MAX_DEPTH) return made(null)
  if (Array.isArray(value)) return made(value.map((item: unknown) => writtenBy(item, file, line, depth + 1)))
  const fields = new Map<string, Written>()
  for (const [name, part] of Object.entries(value)) {
    if (part !== undefined) fields.set(name, writtenBy(part, file, line, depth + 1))
  }
  return made(fields)
}

function sourceOf(value: WrittenValue): string {
  return typeof value === 'object' ? '' : String(value)
}

/** The value alone, as JSON has it. */
export function plainOf({ value }: Written): unknown {
  if (isWrittenList(value)) return value.map((item) => plainOf(item))
  if (!isWrittenMapping(value)) return value
  return Object.fromEntries([...value].map(([name, part]): [string, unknown] => [name, plainOf(part)]))
}

export function isWrittenList(value: WrittenValue): value is readonly Written[] {
  return Array.isArray(value)
}

export function isWrittenMapping(value: WrittenValue): value is ReadonlyMap<string, Written> {
  return value instanceof Map
}

/** `hubbub.yaml:12`. */
export function placeOf({ file, line }: Pick<Written, 'file' | 'line'>): string {
  return line === undefined ? file : `${file}:${line}`
}

const STEP = /\[(\d+)\]|\.?([^.[]+)/gy

/** The part that a path such as `history.rules[2].filter` leads to, or the last on the way that is there. */
export function partAt(whole: Written, path: string): Written {
  let part = whole
  for (const [, index, name = ''] of path.matchAll(STEP)) {
    const { value } = part
    const next = isWrittenList(value) ? value[Number(index)] : isWrittenMapping(value) ? value.get(name) : undefined
    if (next === undefined) break
    part = next
  }
  return part
}
