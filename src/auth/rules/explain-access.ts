import { quote } from '../../base/quote.ts'
import { departureFrom, departureText } from '../../protocol/filter-departure.ts'
import type { QoS } from '../../protocol/packet-types.ts'
import { placeText } from '../denial.ts'
import type { View } from '../view.ts'
import { BUILT_IN_RULES } from './built-in.ts'
import { contains, filterText, levelsOf, meet } from './filter-levels.ts'
import type { RulePlace } from './place.ts'
import type { Rule } from './rule.ts'
import { type Asker, fits, type Subject, subjectText } from './subject.ts'
import { fillForEach, type TopicPattern } from './topic-pattern.ts'

/** What somebody wants to know. */
export interface AccessQuestion {
  readonly action: 'publish' | 'receive' | 'subscribe'
  /** A valid topic name, or to subscribe a valid filter without `$share/…` and `$history/…`. */
  readonly topic: string
}

/** A rule that did not decide, and why. */
export interface MissedRule {
  readonly rule: RulePlace
  readonly isAllow: boolean
  /** A sentence: `it is for group family`. */
  readonly why: string
}

/** Why somebody may or may not do something. */
export interface AccessExplanation {
  /** To subscribe: all of the filter may be received, or some of it and the rest is left out. */
  readonly isAllowed: boolean
  /** What decides; undefined where no rule fits, which denies. */
  readonly rule: RulePlace | undefined
  /** The filter of the rule that decides, with variables filled in. */
  readonly filter: string | undefined
  /** Of the filter, what is not allowed. */
  readonly witness: string | undefined
  readonly maxQos: QoS
  readonly mayRetain: boolean
  readonly includesPast: boolean
  /** All groups that the user is in, by any way. */
  readonly groups: readonly string[]
  /** Rules before it that nearly matched, the nearest first. */
  readonly missed: readonly MissedRule[]
  /** The same in sentences, but for the rules that nearly matched. */
  readonly summary: readonly string[]
}

interface Miss {
  readonly why: string
  /** How many levels agree, or more than any topic has. */
  readonly nearness: number
}

const MAX_MISSED = 3

/** Explains what a view of these rules decides. `rules` are all there are, in their order, also those for others. */
export function explainAccess(
  rules: readonly Rule[],
  asker: Asker,
  view: View,
  question: AccessQuestion,
): AccessExplanation {
  const verdict = decide(view, question)
  const isGranted = verdict.isAllowed && verdict.witness === undefined
  const rule = verdict.rule ?? (isGranted ? granting(rules, asker, question) : undefined)
  const decided = { ...verdict, rule }
  // What many rules grant together misses none.
  const before = rule === undefined && isGranted ? [] : rules.slice(0, indexOfPlace(rules, rule))
  const explanation = {
    ...decided,
    filter: decided.rule === undefined ? undefined : filterOf(rules, decided.rule, asker, question),
    groups: [...asker.groups].toSorted(),
    missed: missedRules(before, asker, question),
  }
  return { ...explanation, summary: summarize(explanation, asker, question) }
}

type Decision = Omit<AccessExplanation, 'filter' | 'groups' | 'missed' | 'summary'>

function decide(view: View, { action, topic }: AccessQuestion): Decision {
  const unlimited = { witness: undefined, maxQos: 2, mayRetain: true, includesPast: true } as const
  if (action === 'publish') return { ...unlimited, ...view.publish(topic) }
  if (action === 'receive') return { ...unlimited, ...view.receive(topic, true) }
  const { extent, maxQos, witness, rule } = view.subscribe(topic, false)
  const includesPast = view.subscribe(topic, true).extent === 'all'
  return { ...unlimited, isAllowed: extent !== 'none', rule, witness, maxQos, includesPast }
}

/** The rule that grants a subscription by itself; undefined: several do, or what is built in. */
function granting(rules: readonly Rule[], asker: Asker, { topic }: AccessQuestion): RulePlace | undefined {
  const asked = levelsOf(topic)
  const takesIn = (pattern: TopicPattern): boolean =>
    fillForEach(pattern, asker).some((levels) => typeof levels !== 'string' && contains(levels, asked))
  return [...rules, ...BUILT_IN_RULES].find(
    ({ isAllow, receive, subject, patterns }) =>
      isAllow && receive !== undefined && fits(subject, asker) && patterns.some(takesIn),
  )?.place
}

function indexOfPlace(rules: readonly Rule[], place: RulePlace | undefined): number {
  const index = rules.findIndex((rule) => rule.place === place)
  return index === -1 ? rules.length : index
}

/** The filter by which a rule decides. */
function filterOf(
  rules: readonly Rule[],
  place: RulePlace,
  asker: Asker,
  question: AccessQuestion,
): string | undefined {
  const asked = levelsOf(question.topic)
  for (const pattern of rules.find((rule) => rule.place === place)?.patterns ?? []) {
    for (const levels of fillForEach(pattern, asker)) {
      if (typeof levels !== 'string' && meet(levels, asked) !== undefined) return filterText(levels)
    }
  }
  return undefined
}

function missedRules(rules: readonly Rule[], asker: Asker, question: AccessQuestion): MissedRule[] {
  const found: (MissedRule & Miss)[] = []
  for (const rule of rules) {
    if ((question.action === 'publish' ? rule.publish : rule.receive) === undefined) continue
    const missed = missOf(rule, asker, question)
    if (missed === undefined) continue
    found.push({ rule: rule.place, isAllow: rule.isAllow, ...missed })
  }
  return found
    .toSorted((a, b) => b.nearness - a.nearness)
    .slice(0, MAX_MISSED)
    .map(({ rule, isAllow, why }) => ({ rule, isAllow, why }))
}

/** Why a rule says nothing of the question though it might; undefined: it is far off, or has its say. */
function missOf(
  { subject, patterns, isExact }: Rule,
  asker: Asker,
  { action, topic }: AccessQuestion,
): Miss | undefined {
  const asked = levelsOf(topic)
  const isOfThem = fits(subject, asker)
  let nearest: Miss | undefined
  const offer = (why: string, nearness: number): void => {
    if (nearest === undefined || nearness > nearest.nearness) nearest = { why, nearness }
  }
  for (const pattern of patterns) {
    for (const levels of fillForEach(pattern, asker)) {
      if (typeof levels === 'string') {
        if (isOfThem && isNear(pattern.symbolic, asked)) offer(`it has no topics for this client: ${levels}`, 1000)
      } else if (contains(levels, asked)) {
        if (!isOfThem) offer(notFor(subject, asker), 2000)
        else if (isExact) offer('it allows only filters without wildcards', 2000)
      } else if (isOfThem && action !== 'subscribe') {
        const from = departureFrom(levels, asked)
        const text = departureText(from, asked.length)
        const filled = pattern.fixed === undefined ? `for this client it is ${quote(filterText(levels))}, and ` : ''
        if (from.matchingLevels > 0) offer(`${filled}${text}`, from.matchingLevels)
      }
    }
  }
  return nearest
}

/** With some value for its variables, the pattern takes in what is asked for. */
function isNear(symbolic: readonly string[], asked: readonly string[]): boolean {
  return contains(
    symbolic.map((level) => (level.startsWith('\0') ? '+' : level)),
    asked,
  )
}

function notFor(subject: Subject, asker: Asker): string {
  const parts = subject.kind === 'all' ? subject.of.filter((part) => !fits(part, asker)) : [subject]
  return `it is for ${parts.map(subjectText).join(' and ')} only`
}

function summarize(
  {
    isAllowed,
    rule,
    filter,
    witness,
    maxQos,
    mayRetain,
    includesPast,
    groups,
  }: Omit<AccessExplanation, 'summary' | 'missed'>,
  asker: Asker,
  { action, topic }: AccessQuestion,
): string[] {
  const lines = [
    `${whoText(asker)} ${isAllowed ? 'may' : 'may not'} ${action} ${action === 'subscribe' ? 'to ' : ''}${quote(topic)}.`,
  ]
  if (witness !== undefined && witness !== topic) {
    lines.push(
      isAllowed ? `Of it, ${quote(witness)} is left out.` : `It takes in ${quote(witness)}, which is not allowed.`,
    )
  }
  if (rule !== undefined) {
    lines.push(`${placeText(rule)} decides: ${rule.text}`)
    if (filter !== undefined && !rule.text.includes(filter))
      lines.push(`For this client, its topics are ${quote(filter)}.`)
  } else if (isAllowed && witness === undefined) lines.push('Several rules allow it together.')
  else lines.push('No rule allows it, and what no rule allows is denied.')
  if (isAllowed) {
    if (maxQos < 2) lines.push(`QoS ${maxQos} at most.`)
    if (action === 'publish' && !mayRetain) lines.push('No retained messages.')
    if (action !== 'publish' && !includesPast) lines.push('Nothing of the history.')
  }
  if (groups.length > 0) lines.push(`Groups: ${groups.join(', ')}.`)
  return lines
}

/** The rules that nearly matched, in sentences. */
export function missedText({ rule, missed }: AccessExplanation): string[] {
  if (missed.length === 0) return []
  return [
    rule === undefined ? 'Rules that nearly match:' : 'Rules before it that nearly match:',
    ...missed.flatMap(({ rule: other, why }) => [`  ${placeText(other)}: ${other.text}`, `    ${why}`]),
  ]
}

function whoText({ user, clientId }: Asker): string {
  const name = user === undefined ? 'Somebody without a user name' : `User ${quote(user)}`
  return clientId === undefined ? name : `${name} as client ${quote(clientId)}`
}
