import { visible } from '../../worker/visible.ts'

/** A member of a payload, or the whole payload when it is one value. */
export interface Member {
  /** '' is the payload itself. */
  readonly name: string
  /** As it was sent, numbers unaltered, with signs for what cannot be seen. */
  readonly text: string
  readonly number: number | undefined
}

const MAX_SAMPLES = 60
export const MAX_MEMBERS = 24

/** The values in a payload that are worth a line each: the members of a JSON object, else the payload as it is. */
export function membersOf(payload: string): readonly Member[] {
  const members = parse(payload)
  if (members === undefined) return [{ name: '', text: visible(payload), number: plainNumber(payload) }]
  return [...members]
    .slice(0, MAX_MEMBERS)
    .map(([name, { plain }]) => ({ name, text: visible(plain), number: plainNumber(plain) }))
}

/** The last numbers of each member of each topic. */
export class Samples {
  readonly #byMember = new Map<string, number[]>()
  readonly #seenAtMs = new Map<string, number>()

  /** Takes a message, unless it is not newer than what was taken of its topic. */
  take(topic: string, atMs: number, members: readonly Member[]): void {
    if (atMs <= (this.#seenAtMs.get(topic) ?? 0)) return
    this.#seenAtMs.set(topic, atMs)
    for (const { name, number } of members) {
      if (number === undefined) continue
      const key = `${topic}\n${name}`
      this.#byMember.set(key, [...(this.#byMember.get(key) ?? []), number].slice(-MAX_SAMPLES))
    }
  }

  of(topic: string, name: string): readonly number[] {
    return this.#byMember.get(`${topic}\n${name}`) ?? []
  }
}

/** A value of a JSON text, with all its digits. */
class Part {
  readonly json: string
  readonly plain: string
  readonly members: ReadonlyMap<string, Part> | undefined

  constructor(json: string, plain = json, members?: ReadonlyMap<string, Part>) {
    this.json = json
    this.plain = plain
    this.members = members
  }
}

/** The members of a JSON object with the text each had; undefined for anything else. */
function parse(payload: string): ReadonlyMap<string, Part> | undefined {
  try {
    // The third parameter has the digits as they were sent, in browsers that know it. Inner values come before outer ones.
    const whole: unknown = JSON.parse(payload, (_name, value: unknown, context?: { readonly source?: string }) =>
      partOf(value, context?.source),
    )
    return whole instanceof Part ? whole.members : undefined
  } catch {
    return undefined
  }
}

function partOf(value: unknown, source: string | undefined): Part {
  if (typeof value === 'string') return new Part(JSON.stringify(value), value)
  if (typeof value !== 'object' || value === null) return new Part(source ?? String(value))
  const parts = Object.entries<unknown>({ ...value }).flatMap(([name, part]): [string, Part][] =>
    part instanceof Part ? [[name, part]] : [],
  )
  if (Array.isArray(value)) return new Part(`[${parts.map(([, { json }]) => json).join(',')}]`)
  const json = `{${parts.map(([name, part]) => `${JSON.stringify(name)}:${part.json}`).join(',')}}`
  return new Part(json, json, new Map(parts))
}

function plainNumber(text: string): number | undefined {
  return /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(text) ? Number(text) : undefined
}
