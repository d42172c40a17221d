import type { RuleFaults } from './faults.ts'
import { type FilterSet, FilterTree, isCovered, type Levels } from './filter-levels.ts'
import type { Groups } from './groups.ts'
import type { Rule } from './rule.ts'
import { type Subject, sizeOf, subjectKey, takesIn } from './subject.ts'

/** After so many comparisons of whom rules concern, what is left is not looked at: thousands of rules, each for a list of its own. */
const MAX_COMPARISONS = 2_000_000

/** The filters of the rules before, of those with one subject. */
interface Before {
  readonly subject: Subject
  readonly published: FilterTree
  readonly received: FilterTree
  /** Of the rules that are `exact` too. */
  readonly named: FilterTree
}

/**
 * Finds rules that can never decide, since others come first and take in all of what they say: a fault for a deny that an allow comes
 * before, which must not pass in silence, else a warning.
 */
export function findIdleRules(rules: readonly Rule[], groups: Groups, faults: RuleFaults): void {
  const byKey = new Map<string, Before>()
  /** Those that may take in others. */
  const wide: Before[] = []
  const groupsByUser = new Map<string, ReadonlySet<string>>()
  const isMember = (user: string, group: string): boolean => {
    const known = groupsByUser.get(user) ?? groups.of(user, [])
    groupsByUser.set(user, known)
    return known.has(group)
  }
  let comparisons = 0
  let wideSize = 0
  for (const [i, rule] of rules.entries()) {
    const key = subjectKey(rule.subject)
    const size = sizeOf(rule.subject)
    comparisons += wideSize * size
    if (comparisons > MAX_COMPARISONS) {
      faults.warn(rule.place, `whether rules from this one on have an effect was not looked into: there are too many`)
      return
    }
    const before = wide.filter(({ subject }) => takesIn(subject, rule.subject, isMember))
    let own = byKey.get(key)
    if (own === undefined) {
      own = { subject: rule.subject, published: new FilterTree(), received: new FilterTree(), named: new FilterTree() }
      byKey.set(key, own)
      if (!isSingle(rule.subject)) {
        wide.push(own)
        wideSize += size
      }
    } else if (!before.includes(own)) before.push(own)
    judge(rule, rules, before, faults)
    for (const { symbolic } of rule.patterns) {
      if (rule.publish !== undefined) own.published.add(symbolic, i)
      if (rule.receive !== undefined) own.named.add(symbolic, i)
      if (rule.receive !== undefined && !rule.isExact) own.received.add(symbolic, i)
    }
  }
}

/** It takes in nobody but itself. */
function isSingle(subject: Subject): boolean {
  return subject.kind === 'user' || (subject.kind === 'client' && subject.glob.isLiteral)
}

function judge(rule: Rule, rules: readonly Rule[], before: readonly Before[], faults: RuleFaults): void {
  const deciding = new Set<number>()
  const isIdle = rule.patterns.every(
    ({ symbolic }) =>
      (rule.publish === undefined ||
        isTakenIn(
          symbolic,
          before.map(({ published }) => published),
          deciding,
        )) &&
      (rule.receive === undefined ||
        isTakenIn(
          symbolic,
          before.map((one) => (rule.isExact ? one.named : one.received)),
          deciding,
        )),
  )
  if (!isIdle) return
  const first = [...deciding].toSorted((a, b) => a - b).flatMap((number) => rules[number] ?? [])
  const isLifted = !rule.isAllow && first.some(({ isAllow }) => isAllow)
  const verb = first.length === 1 ? 'comes first and takes' : 'come first and take'
  const what = `this rule has no effect: ${placesText(first)} ${verb} in all of it`
  if (isLifted) faults.add(rule.place, `${what}; put it before`)
  else faults.warn(rule.place, what)
}

/** `lines 3 and 9`, or the rules themselves where there are no lines. */
function placesText(rules: readonly Rule[]): string {
  const lines = rules.flatMap(({ place: { line } }) => line ?? [])
  if (lines.length < rules.length) return listText(rules.map(({ place: { text } }) => text))
  return `${lines.length === 1 ? 'line' : 'lines'} ${listText(lines.map(String))}`
}

function listText(items: readonly string[]): string {
  const last = items.at(-1) ?? ''
  return items.length < 2 ? last : `${items.slice(0, -1).join(', ')} and ${last}`
}

function isTakenIn(levels: Levels, sets: readonly FilterSet[], deciding: Set<number>): boolean {
  const found: number[] = []
  const union: FilterSet = {
    maxLevels: Math.max(0, ...sets.map(({ maxLevels }) => maxLevels)),
    add: () => undefined,
    findContaining: (probe) => {
      for (const set of sets) {
        const number = set.findContaining(probe)
        if (number !== -1) return number
      }
      return -1
    },
  }
  if (!isCovered(levels, union, (number) => found.push(number))) return false
  for (const number of found) deciding.add(number)
  return true
}
