import { contains } from '../rules/filter-levels.ts'
import type { ObservedAction, Sighting } from './observed.ts'
import { isVariable, SeenTopics, type TemplateLevel } from './seen-topics.ts'
import { type Evidence, TemplateTree, together } from './template-tree.ts'

/** A rule that allows what was seen, and no more than was needed to say it. */
export interface LearnedRule {
  readonly actions: readonly ObservedAction[]
  readonly template: readonly TemplateLevel[]
  readonly evidence: Evidence
}

/** Those who do the same, and the rules for it. */
export interface LearnedRole {
  /** Sorted; undefined: those without a user name. */
  readonly users: readonly (string | undefined)[]
  readonly rules: readonly LearnedRule[]
}

/** A row with its topic as a template. */
interface Seen {
  readonly row: Sighting
  readonly template: readonly TemplateLevel[]
}

const ACTIONS: readonly ObservedAction[] = ['publish', 'subscribe']
/** A shorter name stands in topics by chance. */
const MIN_NAME_CHARACTERS = 3
const MIN_NAME_CHARACTERS_WITHIN = 5
/** Of more rules, those that others take in are not looked for. */
const MAX_COMPARED_RULES = 2000

/**
 * Finds the narrowest rules that allow what was seen to be allowed: names of users and clients in topics become variables, users who do the
 * same are taken together, and names that are one of a kind become `+`, unless that would take in what only others were seen at.
 */
export function learn(rows: Iterable<Sighting>): LearnedRole[] {
  const seen: Seen[] = []
  const published = new SeenTopics()
  const subscribed = new SeenTopics()
  for (const row of rows) {
    if (!row.isAllowed) continue
    const levels = row.topic.split('/')
    seen.push({ row, template: templateOf(levels, row) })
    if (row.action === 'publish') published.add(levels, row.user)
    else if (!/[+#]/.test(row.topic)) subscribed.add(levels, row.user)
  }
  const roles = rolesOf(seen).map(({ users, seen: own }) => {
    const isForeign = (others: ReadonlySet<string | undefined>): boolean => ![...others].some((user) => users.has(user))
    const valuesOf = variableValues(own)
    const rules = ACTIONS.flatMap((action) => {
      const tree = new TemplateTree()
      for (const { row, template } of own) {
        if (row.action === action) tree.add(users.size === 1 ? withUser(template, row.user) : template, row)
      }
      tree.widen((filter, at, known) =>
        action === 'publish'
          ? !published.takesInOthers(filter, at, known, valuesOf, isForeign)
          : !published.takesInOthers(filter, at, known, valuesOf, () => true) &&
            !subscribed.takesInOthers(filter, at, known, valuesOf, isForeign),
      )
      return [...tree.ends()].map(([template, evidence]): LearnedRule => ({ actions: [action], template, evidence }))
    })
    return { users, rules }
  })
  return withoutNeedless(roles).map(({ users, rules }) => ({
    users: [...users].toSorted(byName),
    rules: oneForBothActions(rules),
  }))
}

function byName(a: string | undefined, b: string | undefined): number {
  return (a ?? '') < (b ?? '') ? -1 : 1
}

/** The topic with what is the user's or the client's own name as a variable. A user is known by more than a name, so the user comes first. */
function templateOf(levels: readonly string[], { user, clientId }: Sighting): TemplateLevel[] {
  return levels.map((level, i) => {
    if (level === '+' || level === '#') return level
    for (const [name, variable] of [
      [user, '\0u'],
      [clientId, '\0c'],
    ] as const) {
      // A name that begins with "$" opens no topics that do.
      if (name === undefined || (i === 0 && name.startsWith('$'))) continue
      if (level === name && name.length >= MIN_NAME_CHARACTERS) return variable
      const at = name.length >= MIN_NAME_CHARACTERS_WITHIN ? level.indexOf(name) : -1
      if (at !== -1) return level.slice(0, at) + variable + level.slice(at + name.length)
    }
    return level
  })
}

/** For one user alone, a person writes the name: `zigbee2mqtt`, not `%u2mqtt`. */
function withUser(template: readonly TemplateLevel[], user: string | undefined): readonly TemplateLevel[] {
  return template.map((level) => level.replace('\0u', () => user ?? ''))
}

interface Role {
  readonly users: ReadonlySet<string | undefined>
  readonly seen: Seen[]
}

/** Takes together what the same users do. */
function rolesOf(seen: readonly Seen[]): Role[] {
  const byKind = new Map<string, { readonly users: Set<string | undefined>; readonly seen: Seen[] }>()
  for (const one of seen) {
    const kind = kindOf(one)
    const same = byKind.get(kind) ?? { users: new Set(), seen: [] }
    same.users.add(one.row.user)
    same.seen.push(one)
    byKind.set(kind, same)
  }
  const byUsers = new Map<string, Role>()
  for (const { users, seen: own } of byKind.values()) {
    const key = JSON.stringify([...users].toSorted(byName).map((user) => user ?? null))
    const role = byUsers.get(key)
    if (role === undefined) byUsers.set(key, { users, seen: own })
    else for (const one of own) role.seen.push(one)
  }
  return [...byUsers.values()]
}

/**
 * What a template is like. One that holds a name of one's own may differ in the middle, as devices of many lines do: whatever is allowed
 * there, each reaches its own only. Without a name it is alike only when it is the same: `room/kitchen` is not for who sleeps in another.
 */
function kindOf({ row, template }: Seen): string {
  const hasName = template.some(isVariable)
  const levels = template.map((level, i) => {
    const isMiddle = i > 0 && i < template.length - 1
    return hasName && isMiddle && !isVariable(level) && level !== '+' ? '?' : level
  })
  return `${row.action} ${levels.join('/')}`
}

/** What a level with a variable has become for those who were seen. */
function variableValues(seen: readonly Seen[]): (level: TemplateLevel) => ReadonlySet<string> {
  const byLevel = new Map<TemplateLevel, Set<string>>()
  return (level) => {
    let values = byLevel.get(level)
    if (values === undefined) {
      values = new Set(
        seen.map(({ row }) => level.replace('\0u', () => row.user ?? '').replace('\0c', () => row.clientId ?? '')),
      )
      byLevel.set(level, values)
    }
    return values
  }
}

/** Leaves out rules that another takes in, which is for all of the same users and maybe more. */
function withoutNeedless<
  R extends { readonly users: ReadonlySet<string | undefined>; readonly rules: readonly LearnedRule[] },
>(roles: readonly R[]): { readonly users: R['users']; readonly rules: readonly LearnedRule[] }[] {
  const all = roles.flatMap(({ users, rules }) => rules.map((rule) => ({ users, rule })))
  if (all.length > MAX_COMPARED_RULES) return [...roles]
  return roles
    .map(({ users, rules }) => ({
      users,
      rules: rules.filter(
        (rule) =>
          !all.some(
            (other) =>
              other.rule !== rule &&
              other.rule.actions[0] === rule.actions[0] &&
              contains(levelsFor(other.rule.template), levelsFor(rule.template)) &&
              [...users].every((user) => other.users.has(user)) &&
              !(contains(levelsFor(rule.template), levelsFor(other.rule.template)) && other.users.size === users.size),
          ),
      ),
    }))
    .filter(({ rules }) => rules.length > 0)
}

function levelsFor(template: readonly TemplateLevel[]): readonly string[] {
  return template.length === 1 && template[0] === '#' ? ['+', '#'] : template
}

/** One rule where the same may be published and received. */
function oneForBothActions(rules: readonly LearnedRule[]): LearnedRule[] {
  const byTemplate = new Map<string, LearnedRule>()
  for (const rule of rules) {
    const key = rule.template.join('/')
    const other = byTemplate.get(key)
    byTemplate.set(
      key,
      other === undefined
        ? rule
        : { ...rule, actions: [...other.actions, ...rule.actions], evidence: together(other.evidence, rule.evidence) },
    )
  }
  return [...byTemplate.values()]
}
