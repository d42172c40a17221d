import { closest, didYouMean } from '../../base/closest.ts'
import { quote } from '../../base/quote.ts'
import { isWrittenList, isWrittenMapping, plainOf, Written, writtenBy } from '../../base/written.ts'
import { readYaml } from '../../base/yaml.ts'
import type { QoS } from '../../protocol/packet-types.ts'
import { RuleFaults, type RuleFault } from './faults.ts'
import { flowText } from './flow-text.ts'
import { nameOf, readSubject } from './read-subject.ts'
import { makeRule, type Rule } from './rule.ts'
import type { Subject } from './subject.ts'
import { readPattern, type TopicPattern } from './topic-pattern.ts'

const ACTIONS = ['publish', 'receive']
const FIELDS = ['allow', 'deny', 'topics', 'for', 'maxQos', 'retain', 'history', 'exact']
const MAX_RULES = 20_000
const MAX_TOPICS = 1000
const MAX_RULE_CHARACTERS = 4096
const EVERYBODY: Subject = { kind: 'everybody' }

/** Rules that were read, with what is wrong with them: any fault means that none of them may be used. */
export interface ParsedRules {
  readonly rules: readonly Rule[]
  readonly faults: readonly RuleFault[]
}

/**
 * Reads the own rules of a user, a JWT or an API token: a list, or one, of rules as plain values (`{ allow: 'publish', topics: 'a/#' }`)
 * or as text in YAML (`allow: publish, topics: plant/%c/#`). Without `for` they hold wherever and however the user comes. `file` and
 * `line` are where they stand, for people: `users` and 12, `a token` and undefined. Takes anything and never throws.
 */
export function parseRules(value: unknown, file: string, line?: number): ParsedRules {
  const faults = new RuleFaults()
  const whole = writtenBy(value, file, line)
  const isList = isWrittenList(whole.value) || whole.value === null
  const list = isList ? whole : new Written(file, line, [whole], '')
  const rules = readRules(list, 'rules', faults, { mayOmitSubject: true })
  return { rules, faults: faults.errors }
}

/** Reads a list of rules; what is wrong goes to `faults`. `name` is how messages call the list. */
export function readRules(
  list: Written,
  name: string,
  faults: RuleFaults,
  { mayOmitSubject = false }: { readonly mayOmitSubject?: boolean } = {},
): Rule[] {
  const { value } = list
  if (value === null) return []
  if (!isWrittenList(value)) {
    faults.add(list, `${name} must be a list of rules, it is ${quote(plainOf(list))}`)
    return []
  }
  if (value.length > MAX_RULES) {
    faults.add(list, `${name} must have at most ${MAX_RULES} rules, it has ${value.length}`)
    return []
  }
  return value.flatMap((item, i) => readRule(item, `${name}[${i}]`, faults, mayOmitSubject) ?? [])
}

function readRule(written: Written, name: string, faults: RuleFaults, mayOmitSubject: boolean): Rule | undefined {
  const item = typeof written.value === 'string' ? readText(written, written.value, name, faults) : written
  if (item === undefined) return undefined
  const fields = item.value
  if (!isWrittenMapping(fields)) {
    faults.add(
      item,
      `${name} must be a rule such as {allow: publish, topics: "home/#", for: users}, it is ${quote(plainOf(item))}`,
    )
    return undefined
  }
  const reader = new FieldReader(item, fields, name, faults)
  return reader.read(mayOmitSubject)
}

/** A rule as text is the YAML of one. */
function readText(written: Written, text: string, name: string, faults: RuleFaults): Written | undefined {
  if (text.length > MAX_RULE_CHARACTERS) {
    faults.add(written, `${name} must have at most ${MAX_RULE_CHARACTERS} characters, it has ${text.length}`)
    return undefined
  }
  // The braces of a rule on one line may be left out.
  const isBare = text.includes(':') && !text.includes('\n') && !text.trimStart().startsWith('{')
  const { content, faults: mistakes } = readYaml(isBare ? `{ ${text} }` : text, written.file)
  for (const { what } of mistakes) faults.add(written, `${name}: ${what}`)
  return content === undefined || mistakes.length > 0
    ? undefined
    : writtenBy(plainOf(content), written.file, written.line)
}

/** Reads the fields of one rule. */
class FieldReader {
  readonly #rule: Written
  readonly #fields: ReadonlyMap<string, Written>
  readonly #name: string
  readonly #faults: RuleFaults
  #isWrong = false

  constructor(rule: Written, fields: ReadonlyMap<string, Written>, name: string, faults: RuleFaults) {
    this.#rule = rule
    this.#fields = fields
    this.#name = name
    this.#faults = faults
  }

  read(mayOmitSubject: boolean): Rule | undefined {
    const fields = this.#fields
    for (const [field, part] of fields) {
      if (!FIELDS.includes(field)) this.#fault(part, `.${field} is not known${didYouMean(closest(field, FIELDS))}`)
    }
    const isAllow = fields.has('allow')
    if (isAllow === fields.has('deny')) this.#fault(this.#rule, ' must have either allow or deny')
    const actions = this.#actions(isAllow ? 'allow' : 'deny')
    const patterns = this.#patterns()
    const subject = this.#subject(mayOmitSubject)
    const terms = this.#terms(isAllow, actions)
    if (this.#isWrong || subject === undefined) return undefined
    const { file, line } = this.#rule
    return makeRule({ file, line, text: flowText(this.#rule) }, subject, patterns, {
      isAllow,
      isOfPublish: actions.includes('publish'),
      isOfReceive: actions.includes('receive'),
      ...terms,
    })
  }

  #fault(at: Written, what: string): undefined {
    this.#isWrong = true
    this.#faults.add(at, `${this.#name}${what}`)
  }

  #actions(field: 'allow' | 'deny'): readonly string[] {
    const part = this.#fields.get(field)
    if (part === undefined) return []
    const found: string[] = []
    for (const [at, action] of this.#names(part, field)) {
      if (ACTIONS.includes(action)) found.push(action)
      else {
        const hint =
          action === 'subscribe' ? '; a subscription is decided by "receive"' : didYouMean(closest(action, ACTIONS))
        this.#fault(at, `.${field} must be publish or receive, or a list of both, it is ${quote(action)}${hint}`)
      }
    }
    return found
  }

  #patterns(): readonly TopicPattern[] {
    const part = this.#fields.get('topics')
    if (part === undefined) {
      this.#fault(this.#rule, '.topics must be a topic filter or a list of them, it is missing')
      return []
    }
    const patterns: TopicPattern[] = []
    for (const [at, text] of this.#names(part, 'topics')) {
      const pattern = readPattern(text)
      if (typeof pattern === 'string') this.#fault(at, `.topics ${pattern}, it is ${quote(text)}`)
      else patterns.push(pattern)
    }
    if (patterns.length > MAX_TOPICS)
      this.#fault(part, `.topics must be at most ${MAX_TOPICS}, it is ${patterns.length}`)
    return patterns
  }

  /** The names of a field that may be one or a list. */
  #names(part: Written, field: string): (readonly [at: Written, name: string])[] {
    const items = isWrittenList(part.value) ? part.value : [part]
    if (items.length === 0) this.#fault(part, `.${field} must not be an empty list`)
    const names: (readonly [at: Written, name: string])[] = []
    for (const item of items) {
      const name = nameOf(item)
      if (name !== undefined) names.push([item, name])
      else if (item.value === null && field === 'topics') {
        this.#fault(item, `.topics is empty: "#" begins a comment; put it in quotes: '#'`)
      } else this.#fault(item, `.${field} must be a text or a list of texts, it is ${quote(plainOf(item))}`)
    }
    return names
  }

  #subject(mayOmit: boolean): Subject | undefined {
    const part = this.#fields.get('for')
    if (part !== undefined) return readSubject(part, `${this.#name}.for`, this.#faults)
    if (!mayOmit)
      this.#fault(this.#rule, '.for must say whom the rule concerns, such as "users" or "user anna", it is missing')
    return EVERYBODY
  }

  #terms(isAllow: boolean, actions: readonly string[]) {
    return {
      maxQos: this.#maxQos(isAllow),
      mayRetain: this.#flag('retain', isAllow, actions.includes('publish'), 'publish'),
      includesPast: this.#flag('history', isAllow, actions.includes('receive'), 'receive'),
      isExact: this.#flag('exact', isAllow, actions.includes('receive'), 'receive'),
    }
  }

  #maxQos(isAllow: boolean): QoS | undefined {
    const part = this.#fields.get('maxQos')
    if (part === undefined) return undefined
    if (!isAllow) return this.#fault(part, '.maxQos belongs to a rule that allows')
    const { value } = part
    if (value === 0 || value === 1 || value === 2) return value
    return this.#fault(part, `.maxQos must be 0, 1 or 2, it is ${quote(plainOf(part))}`)
  }

  #flag(field: string, isAllow: boolean, hasAction: boolean, action: string): boolean | undefined {
    const part = this.#fields.get(field)
    if (part === undefined) return undefined
    if (!isAllow || !hasAction) return this.#fault(part, `.${field} belongs to a rule that allows "${action}"`)
    if (typeof part.value === 'boolean') return part.value
    return this.#fault(part, `.${field} must be true or false, it is ${quote(plainOf(part))}`)
  }
}
