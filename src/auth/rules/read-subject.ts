import { closest, didYouMean } from '../../base/closest.ts'
import { quote } from '../../base/quote.ts'
import { isWrittenList, isWrittenMapping, plainOf, type Written } from '../../base/written.ts'
import { ROLES } from '../identity.ts'
import type { RuleFaults } from './faults.ts'
import { Glob } from './glob.ts'
import { AddressRange, type Subject } from './subject.ts'

const ALONE = ['everybody', 'anonymous', 'users'] as const
const NAMED = ['user', 'group', 'client', 'address', 'listener', 'role'] as const
const WORDS: readonly string[] = [...ALONE, ...NAMED]
const MAX_NAME_CHARACTERS = 65_535
const MAX_NESTED = 4

/** Reads what stands after `for`; undefined when it is wrong, which `faults` then holds. `name` is how messages call it. */
export function readSubject(written: Written, name: string, faults: RuleFaults, depth = 0): Subject | undefined {
  const { value } = written
  if (depth < MAX_NESTED && isWrittenList(value) && value.length > 0) {
    return joined(
      'any',
      value.map((item, i) => readSubject(item, `${name}[${i}]`, faults, depth + 1)),
    )
  }
  if (isWrittenMapping(value) && value.size > 0) {
    return joined(
      'all',
      [...value].map(([word, part]) => readField(word, part, `${name}.${word}`, faults)),
    )
  }
  const text = nameOf(written)
  if (text === undefined) {
    faults.add(
      written,
      `${name} must be everybody, anonymous, users, or a word and a name such as "user anna", it is ${quote(plainOf(written))}`,
    )
    return undefined
  }
  return readWords(text, written, name, faults)
}

/** A name as it is spelled: YAML reads 0123 as a number, and true as something else again. */
export function nameOf({ value, source }: Written): string | undefined {
  if (typeof value === 'string') return value
  return typeof value === 'number' || typeof value === 'boolean' ? source : undefined
}

function readWords(text: string, written: Written, name: string, faults: RuleFaults): Subject | undefined {
  const blank = text.indexOf(' ')
  const word = blank === -1 ? text : text.slice(0, blank)
  const alone = ALONE.find((known) => known === text)
  if (alone !== undefined) return { kind: alone }
  if (blank !== -1 && NAMED.some((known) => known === word)) {
    return readNamed(word, text.slice(blank + 1), written, name, faults)
  }
  const hint = WORDS.includes(word)
    ? ''
    : didYouMean(closest(word, WORDS)) || (blank === -1 ? `; did you mean "user ${text}"?` : '')
  const wanted = 'must be everybody, anonymous or users, or user, group, client, address, listener or role and a name'
  faults.add(written, `${name} ${wanted}, it is ${quote(text)}${hint}`)
  return undefined
}

function readField(word: string, part: Written, name: string, faults: RuleFaults): Subject | undefined {
  if (word === 'anonymous' || word === 'users') {
    if (part.value === true) return { kind: word }
    faults.add(part, `${name} must be true, or be left out, it is ${quote(plainOf(part))}`)
    return undefined
  }
  if (!NAMED.some((known) => known === word)) {
    faults.add(part, `${name} is not known${didYouMean(closest(word, WORDS))}`)
    return undefined
  }
  if (isWrittenList(part.value) && part.value.length > 0) {
    return joined(
      'any',
      part.value.map((item, i) => readName(word, item, `${name}[${i}]`, faults)),
    )
  }
  return readName(word, part, name, faults)
}

function readName(word: string, part: Written, name: string, faults: RuleFaults): Subject | undefined {
  const text = nameOf(part)
  if (text !== undefined) return readNamed(word, text, part, name, faults)
  faults.add(part, `${name} must be a name or a list of names, it is ${quote(plainOf(part))}`)
  return undefined
}

function readNamed(word: string, text: string, at: Written, name: string, faults: RuleFaults): Subject | undefined {
  const fault = (what: string): undefined => {
    faults.add(at, `${name} ${what}`)
  }
  if (text === '' || text.length > MAX_NAME_CHARACTERS)
    return fault(`must have from 1 to ${MAX_NAME_CHARACTERS} characters`)
  switch (word) {
    case 'client':
      return { kind: 'client', glob: new Glob(text) }
    case 'address': {
      const range = AddressRange.read(text)
      if (range !== undefined) return { kind: 'address', range }
      return fault(`must be an address or a range of them such as 192.168.0.0/16, it is ${quote(text)}`)
    }
    case 'role':
      if (ROLES.some((role) => role === text)) return { kind: 'role', name: text }
      return fault(`must be viewer, operator or admin, it is ${quote(text)}${didYouMean(closest(text, ROLES))}`)
    case 'user':
    case 'group':
    case 'listener':
      return { kind: word, name: text }
    default:
      return undefined
  }
}

function joined(kind: 'any' | 'all', parts: readonly (Subject | undefined)[]): Subject | undefined {
  const known = parts.filter((part) => part !== undefined)
  if (known.length < parts.length) return undefined
  const [only] = known
  return only !== undefined && known.length === 1 ? only : { kind, of: known }
}
