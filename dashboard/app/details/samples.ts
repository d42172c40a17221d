/** A member of a payload, or the whole payload when it is one value. */
export interface Member {
  /** '' is the payload itself. */
  readonly name: string
  /** As it was sent: numbers are never altered. */
  readonly text: string
  readonly number: number | undefined
}

const MAX_SAMPLES = 60
const MAX_MEMBERS = 24

/** The values in a payload that are worth a line each: the members of a JSON object, else the payload as it is. */
export function membersOf(payload: string): readonly Member[] {
  const value = parse(payload)
  if (!(value instanceof Map)) return [{ name: '', text: payload, number: plainNumber(payload) }]
  return [...value].slice(0, MAX_MEMBERS).map(([name, text]) => ({ name, text, number: plainNumber(text) }))
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

/** The members of a JSON object with the text each had; undefined for anything else. */
function parse(payload: string): Map<string, string> | undefined {
  try {
    const members = new Map<string, string>()
    // The third parameter has the digits as they were sent, in browsers that know it.
    const value: unknown = JSON.parse(payload, (_name, part: unknown, context?: { readonly source?: string }) =>
      typeof part === 'number' ? { digits: context?.source ?? String(part) } : part,
    )
    if (typeof value !== 'object' || value === null || Array.isArray(value) || 'digits' in value) return undefined
    for (const [name, part] of Object.entries<unknown>({ ...value })) members.set(name, textOf(part))
    return members
  } catch {
    return undefined
  }
}

function textOf(part: unknown): string {
  if (typeof part === 'string') return part
  if (!isDigits(part))
    return JSON.stringify(part, (_name, inner: unknown) => (isDigits(inner) ? Number(inner.digits) : inner))
  return part.digits
}

function isDigits(part: unknown): part is { readonly digits: string } {
  return typeof part === 'object' && part !== null && 'digits' in part && typeof part.digits === 'string'
}

function plainNumber(text: string): number | undefined {
  return /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(text) ? Number(text) : undefined
}
