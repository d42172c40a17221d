import { closest, didYouMean } from '../../base/closest.ts'
import { quote } from '../../base/quote.ts'
import type { RuleFaults } from './faults.ts'
import { makeRule, type Rule } from './rule.ts'
import type { Subject } from './subject.ts'
import { type Part, readPattern, type TopicPattern } from './topic-pattern.ts'

const MAX_LINES = 20_000

interface Access {
  readonly isAllow: boolean
  readonly isOfPublish: boolean
  readonly isOfReceive: boolean
}

const READ_WRITE: Access = { isAllow: true, isOfPublish: true, isOfReceive: true }

const ACCESS_WORDS: ReadonlyMap<string, Access> = new Map([
  ['read', { isAllow: true, isOfPublish: false, isOfReceive: true }],
  ['write', { isAllow: true, isOfPublish: true, isOfReceive: false }],
  ['readwrite', READ_WRITE],
  ['deny', { isAllow: false, isOfPublish: true, isOfReceive: true }],
])

/**
 * Reads the text of Mosquitto's `acl_file` as Mosquitto 2.0 does, to rules in the order in which it asks: for a user, what is denied him,
 * then what he is allowed; then what patterns deny, then what they allow. `file` is its name in messages.
 *
 * Where Mosquitto 2.0 and 2.1 differ, it is as in 2.1: a name with "/" in it is no more than one level. And what Mosquitto does not see to:
 * a name that begins with "$" opens no topics that begin with it. Lines before the first `user` are for those without a user name only.
 */
export function readMosquittoAcl(text: string, file: string, faults: RuleFaults): Rule[] {
  const lines = text.split('\n')
  if (lines.length > MAX_LINES) {
    faults.add({ file, line: undefined }, `it must have at most ${MAX_LINES} lines, it has ${lines.length}`)
    return []
  }
  const reader = new LineReader(file, faults)
  for (const [i, line] of lines.entries()) reader.read(line, i + 1)
  return reader.rules
}

class LineReader {
  readonly #file: string
  readonly #faults: RuleFaults
  readonly #userDenies: Rule[] = []
  readonly #userAllows: Rule[] = []
  readonly #patternDenies: Rule[] = []
  readonly #patternAllows: Rule[] = []
  #subject: Subject = { kind: 'anonymous' }

  constructor(file: string, faults: RuleFaults) {
    this.#file = file
    this.#faults = faults
  }

  get rules(): Rule[] {
    return [...this.#userDenies, ...this.#userAllows, ...this.#patternDenies, ...this.#patternAllows]
  }

  read(whole: string, number: number): void {
    // Only in the first column; elsewhere "#" is a filter.
    if (whole.startsWith('#')) return
    const line = trimEnd(whole)
    const fault = (what: string): void => this.#faults.add({ file: this.#file, line: number }, what)
    if (line.includes('\0')) return fault('it must not contain U+0000')
    const [word, rest] = cut(line)
    if (word === '') return
    if (word === 'user') {
      if (rest === '') return fault('"user" must have a name after it')
      this.#subject = { kind: 'user', name: trim(rest) }
      return
    }
    if (word !== 'topic' && word !== 'pattern') {
      const hint = didYouMean(closest(word, ['user', 'topic', 'pattern']))
      return fault(`a line must begin with user, topic or pattern, it begins with ${quote(word)}${hint}`)
    }
    const [first, topic] = cut(rest)
    if (first === '') return fault(`${quote(word)} must have a topic filter after it`)
    const access = topic === '' ? READ_WRITE : ACCESS_WORDS.get(first)
    if (access === undefined) {
      return fault(
        `a topic with a blank in it needs read, write, readwrite or deny before it, it is ${quote(rest)}${didYouMean(closest(first, ACCESS_WORDS.keys()))}`,
      )
    }
    if (topic === '' && ACCESS_WORDS.has(first)) {
      this.#faults.warn(
        { file: this.#file, line: number },
        `this is the topic named ${quote(first)}; no topic is after it`,
      )
    }
    const isPattern = word === 'pattern'
    const pattern = readPattern(topic === '' ? first : trim(topic), isPattern ? readPatternLevel : asText)
    if (typeof pattern === 'string') return fault(`the topic filter ${pattern}`)
    this.#add(isPattern, access, pattern, { file: this.#file, line: number, text: trim(line) })
  }

  #add(isPattern: boolean, access: Access, pattern: TopicPattern, place: Rule['place']): void {
    const denies = isPattern ? this.#patternDenies : this.#userDenies
    const allows = isPattern ? this.#patternAllows : this.#userAllows
    const subject: Subject = isPattern ? { kind: 'plainNames' } : this.#subject
    const list = access.isAllow ? allows : denies
    list.push(makeRule(place, subject, [pattern], access))
  }
}

/** The first word and what follows it; only blanks separate, no tabs. */
function cut(text: string): readonly [word: string, rest: string] {
  const start = text.search(/[^ ]/)
  if (start === -1) return ['', '']
  const end = text.indexOf(' ', start)
  if (end === -1) return [text.slice(start), '']
  const rest = text.slice(end + 1)
  return [text.slice(start, end), /[^ ]/.test(rest) ? rest : '']
}

function trim(text: string): string {
  return trimEnd(text).replace(/^[ \t\n\v\f\r]+/, '')
}

/** What C's `isspace` takes for blank. */
function trimEnd(text: string): string {
  let end = text.length
  while (end > 0 && ' \t\n\v\f\r'.includes(text.charAt(end - 1))) end--
  return text.slice(0, end)
}

function asText(level: string): string {
  return level
}

/** `%u` and `%c`; any other "%" is itself. */
function readPatternLevel(level: string): string | readonly Part[] {
  const parts: Part[] = []
  for (const [i, piece] of level.split(/%([uc])/).entries()) {
    if (i % 2 === 1) parts.push({ variable: piece === 'u' ? 'u' : 'c' })
    else if (piece !== '') parts.push(piece)
  }
  return parts.some((part) => typeof part !== 'string') ? parts : level
}
