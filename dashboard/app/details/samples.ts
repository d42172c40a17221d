import { jsonRows } from '../../worker/json-rows.ts'
import { visible } from '../../worker/visible.ts'
import type { Point } from './gaps.ts'

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
/** More than there are in what is told of a payload here. */
const MAX_PARTS = 2000

/** The values in a payload that are worth a line each: the members of a JSON object, else the payload as it is. */
export function membersOf(payload: string): readonly Member[] {
  const members = parse(payload)
  if (members === undefined) return [{ name: '', text: visible(payload), number: plainNumber(payload) }]
  return [...members]
    .slice(0, MAX_MEMBERS)
    .map(([name, text]) => ({ name, text: visible(text), number: plainNumber(text) }))
}

/** The last numbers of each member of each topic. */
export class Samples {
  readonly #byMember = new Map<string, Point[]>()
  readonly #seenAtMs = new Map<string, number>()

  /** Takes a message, unless it is not newer than what was taken of its topic. */
  take(topic: string, atMs: number, members: readonly Member[]): void {
    if (atMs <= (this.#seenAtMs.get(topic) ?? 0)) return
    this.#seenAtMs.set(topic, atMs)
    for (const { name, number } of members) {
      if (number === undefined) continue
      const key = `${topic}\n${name}`
      this.#byMember.set(key, [...(this.#byMember.get(key) ?? []), { atMs, value: number }].slice(-MAX_SAMPLES))
    }
  }

  of(topic: string, name: string): readonly Point[] {
    return this.#byMember.get(`${topic}\n${name}`) ?? []
  }
}

/** The members of a JSON object with the text each had; undefined for anything else. */
function parse(payload: string): ReadonlyMap<string, string> | undefined {
  try {
    const whole: unknown = JSON.parse(payload)
    if (typeof whole !== 'object' || whole === null || Array.isArray(whole)) return undefined
    const members = new Map<string, string>()
    let name = ''
    let text = ''
    // JSON.parse would make 1.1 of 1.10, and of 1e400 nothing.
    for (const { depth, key, type, text: part } of jsonRows(payload, MAX_PARTS).rows.slice(1)) {
      if (depth === 0) break
      if (depth === 1 && type !== 'close') {
        name = unquoted(`"${key}"`)
        text = type === 'string' ? unquoted(part) : part
      } else {
        const isFirst = text.endsWith('{') || text.endsWith('[')
        text += `${isFirst || type === 'close' ? '' : ','}${key === '' ? '' : `"${key}":`}${part}`
      }
      members.set(name, text)
    }
    return members
  } catch {
    return undefined
  }
}

function unquoted(json: string): string {
  const text: unknown = JSON.parse(json)
  return String(text)
}

function plainNumber(text: string): number | undefined {
  return /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(text) ? Number(text) : undefined
}
