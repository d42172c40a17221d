import type { Access } from '../gate.ts'
import type { Identity } from '../identity.ts'
import { BUILT_IN_RULES, EVERY_TOPIC } from './built-in.ts'
import { type AccessExplanation, type AccessQuestion, explainAccess } from './explain-access.ts'
import type { Groups } from './groups.ts'
import type { Rule } from './rule.ts'
import { NarrowView } from './narrow-view.ts'
import { RuleView, type ViewEntry } from './rule-view.ts'
import { type Asker, fits, usersOf } from './subject.ts'
import { fillForEach } from './topic-pattern.ts'

/** What the hub has read of the rules. */
export interface RuleSet {
  readonly rules: readonly Rule[]
  readonly groups: Groups
  /** A filter wider than what is allowed is granted, and what is not allowed left out. */
  readonly isFiltering: boolean
}

/** Views that identities share are kept, up to this many. */
const MAX_SHARED_VIEWS = 1000
/** Who is in more groups gets nothing: a rule with %g is one for each of them. */
const MAX_GROUPS = 256

const NO_RULES = new RuleView([], undefined, false)

/** Makes of all rules those of one identity: a view. */
export class AccessRules implements Access {
  readonly #rules: readonly Rule[]
  readonly #groups: Groups
  readonly #isFiltering: boolean
  /** The numbers of rules that may concern anybody, and by user of those that concern him alone; both grow. */
  readonly #general: number[] = []
  readonly #byUser = new Map<string, number[]>()
  readonly #shared = new Map<string, RuleView>()

  constructor({ rules, groups, isFiltering }: RuleSet) {
    this.#rules = rules
    this.#groups = groups
    this.#isFiltering = isFiltering
    for (const [i, { subject }] of rules.entries()) {
      const users = usersOf(subject)
      if (users === undefined) this.#general.push(i)
      for (const user of users ?? []) {
        const numbers = this.#byUser.get(user)
        if (numbers === undefined) this.#byUser.set(user, [i])
        else numbers.push(i)
      }
    }
  }

  viewOf(identity: Identity): RuleView | NarrowView {
    const { scope } = identity
    const view = this.#wholeViewOf(identity)
    if (scope === undefined) return view
    const asker = this.#askerOf(identity)
    const rules = scope.filter(({ subject }) => fits(subject, asker))
    return new NarrowView(view, makeView(rules, asker, this.#isFiltering))
  }

  #wholeViewOf(identity: Identity): RuleView {
    const asker = this.#askerOf(identity)
    const { user, role, groups } = asker
    if (groups.size > MAX_GROUPS) return NO_RULES
    const rules: Rule[] = []
    let key: string | undefined = role ?? ''
    for (const i of this.#numbersOf(user)) {
      const rule = this.#rules[i]
      if (rule === undefined || !fits(rule.subject, asker)) continue
      rules.push(rule)
      key = key !== undefined && rule.isFixed ? `${key} ${i}` : undefined
    }
    if (identity.ownRules.length > 0) key = undefined
    for (const rule of [...identity.ownRules, ...BUILT_IN_RULES]) if (fits(rule.subject, asker)) rules.push(rule)
    if (key === undefined) return makeView(rules, asker, this.#isFiltering)
    let view = this.#shared.get(key)
    if (view === undefined) {
      view = makeView(rules, asker, this.#isFiltering)
      if (this.#shared.size >= MAX_SHARED_VIEWS) this.#shared.clear()
      this.#shared.set(key, view)
    }
    return view
  }

  /** Why an identity may or may not do something, for people. */
  explain(identity: Identity, question: AccessQuestion): AccessExplanation {
    const rules = [...this.#rules, ...identity.ownRules]
    return explainAccess(rules, this.#askerOf(identity), this.viewOf(identity), question)
  }

  #askerOf({ user, clientId, role, host, listener, groups }: Identity): Asker {
    return { user, clientId, role, host, listener, groups: this.#groups.of(user, groups) }
  }

  #numbersOf(user: string | undefined): readonly number[] {
    const own = user === undefined ? undefined : this.#byUser.get(user)
    return own === undefined ? this.#general : [...this.#general, ...own].toSorted((a, b) => a - b)
  }
}

function makeView(rules: readonly Rule[], asker: Asker, isFiltering: boolean): RuleView {
  const entries: ViewEntry[] = []
  for (const rule of rules) {
    if (rule.patterns[0] === EVERY_TOPIC) return new RuleView(entries, rule, isFiltering)
    for (const pattern of rule.patterns) {
      for (const levels of fillForEach(pattern, asker)) if (typeof levels !== 'string') entries.push({ levels, rule })
    }
  }
  return new RuleView(entries, undefined, isFiltering)
}
