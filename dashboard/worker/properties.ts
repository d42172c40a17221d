import type { Arrived } from './protocol.ts'
import { startOf, visible } from './visible.ts'

/** Of a message, in characters of names and values: a packet may have a hundred thousand User Properties. */
const MAX_CHARACTERS = 16_384
const MAX_LISTED = 500
const MAX_VALUE = 2000

/** The properties of a message as a list shows them, and how many are left out of it. */
export function listed(
  properties: readonly (readonly [name: string, value: string])[],
): Pick<Arrived, 'properties' | 'omittedProperties'> {
  const shown: (readonly [string, string])[] = []
  let characters = 0
  for (const [name, value] of properties) {
    const pair = [short(name), short(value)] as const
    characters += pair[0].length + pair[1].length
    if (shown.length >= MAX_LISTED || characters > MAX_CHARACTERS) break
    shown.push(pair)
  }
  return { properties: shown, omittedProperties: properties.length - shown.length }
}

function short(text: string): string {
  return text.length > MAX_VALUE ? `${visible(startOf(text, MAX_VALUE))}…` : visible(text)
}
