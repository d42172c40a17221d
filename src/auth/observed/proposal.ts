import type { Sighting } from './observed.ts'
import type { LearnedRole, LearnedRule } from './learn.ts'
import type { TemplateLevel } from './seen-topics.ts'

/** More users than this are a group; fewer are named in the rule. */
const MAX_NAMED = 3
const LINE_CHARACTERS = 110
const DAY_MS = 86_400_000
/** What YAML takes for a text without quotes, anywhere in a list. */
const PLAIN = /^[A-Za-z_][\w./-]*( [\w./-]+)*$/
const NO_TEXT = /^(true|false|null|yes|no|on|off)$/i

interface Group {
  readonly name: string
  /** As `access.groups` has them; undefined: the users are in it already, by their file or token. */
  readonly members: readonly string[] | undefined
}

/** What a proposal is written with. */
export interface ProposalParts {
  readonly rows: readonly Sighting[]
  readonly roles: readonly LearnedRole[]
}

/** The proposal as a configuration file that a person can read, with what speaks for each rule beside it. */
export function proposalText({ rows, roles }: ProposalParts): string {
  const allowed = rows.filter(({ isAllowed }) => isAllowed)
  const sorted = roles.toSorted((a, b) => b.users.length - a.users.length || order(a, b))
  const groups = new Map<LearnedRole, Group>()
  const latestByUser = new Map<string | undefined, number>()
  for (const { user, lastAtMs } of rows) {
    latestByUser.set(user, Math.max(lastAtMs, latestByUser.get(user) ?? 0))
  }
  for (const role of sorted) {
    const group = groupOf(role, allowed, new Set([...groups.values()].map(({ name }) => name)))
    if (group !== undefined) groups.set(role, group)
  }
  const lines = [...introduction(allowed), 'access:']
  const made = [...groups].filter(([, { members }]) => members !== undefined)
  if (made.length > 0) lines.push('  groups:')
  for (const [{ users }, { name, members = [] }] of made) {
    const isOpen = members.length < users.length ? '; new ones that are named so will be in it too' : ''
    lines.push(`    # ${users.length} users, from ${text(users[0] ?? '')} to ${text(users.at(-1) ?? '')}${isOpen}`)
    lines.push(...listLines(`    ${text(name)}: `, members.map(text)))
  }
  lines.push(allowed.length === 0 ? '  rules: []' : '  rules:')
  for (const role of sorted) {
    if (role !== sorted[0]) lines.push('')
    lines.push(`    # ${headline(role, groups.get(role), sorted, groups)}`)
    const subject = subjectOf(role, groups.get(role))
    for (const rule of role.rules.toSorted((a, b) => (topicOf(a.template) < topicOf(b.template) ? -1 : 1))) {
      lines.push(`    - ${ruleText(rule, subject)} # ${evidenceText(rule, role, latestByUser)}`)
    }
  }
  return `${lines.join('\n')}\n`
}

function order(a: LearnedRole, b: LearnedRole): number {
  return (a.users[0] ?? '') < (b.users[0] ?? '') ? -1 : 1
}

function introduction(rows: readonly Sighting[]): string[] {
  if (rows.length === 0) return ['# Nothing was seen yet: let the hub run for some days with users.']
  const first = rows.reduce((least, { firstAtMs }) => Math.min(least, firstAtMs), Infinity)
  const last = rows.reduce((most, { lastAtMs }) => Math.max(most, lastAtMs), 0)
  const users = new Set(rows.map(({ user }) => user)).size
  return [
    `# What ${users === 1 ? 'one user' : `${users} users`} did ${daysText(first, last)}, and no more: ${rows.length} topics and filters.`,
    '# Read it, then see what it changes with "hubbub access test" and the name of this file.',
  ]
}

/** The group for those of a role: one that they are all in, and nobody else, or one to be made. */
function groupOf({ users }: LearnedRole, rows: readonly Sighting[], taken: ReadonlySet<string>): Group | undefined {
  if (users.length <= MAX_NAMED) return undefined
  const names = users.filter((user) => user !== undefined)
  // A list names them all: in a group, these would be something else.
  if (names.length < users.length || names.some((name) => name.includes('*') || name.startsWith('group ')))
    return undefined
  const inside = new Set(names)
  const own = commonGroup(inside, rows)
  if (own !== undefined) return { name: own, members: undefined }
  const prefix = commonPrefix(names)
  const isOwnPrefix =
    prefix.length >= 3 && !rows.some(({ user }) => user?.startsWith(prefix) === true && !inside.has(user))
  const base = prefix.replace(/[^A-Za-z]+$/, '') || 'group'
  let name = base
  for (let i = 2; taken.has(name); i++) name = `${base}-${i}`
  return { name, members: isOwnPrefix ? [`${prefix}*`] : names }
}

function commonGroup(inside: ReadonlySet<string>, rows: readonly Sighting[]): string | undefined {
  const membersByGroup = new Map<string, Set<string | undefined>>()
  for (const { user, groups } of rows) {
    for (const group of groups) {
      const members = membersByGroup.get(group) ?? new Set()
      membersByGroup.set(group, members.add(user))
    }
  }
  for (const [group, members] of membersByGroup) {
    if (members.size === inside.size && [...inside].every((user) => members.has(user))) return group
  }
  return undefined
}

/** What all begin with, up to the last character that is no digit: `dev-` of `dev-10` and `dev-11`. */
function commonPrefix(names: readonly string[]): string {
  let prefix = names[0] ?? ''
  for (const name of names) while (!name.startsWith(prefix)) prefix = prefix.slice(0, -1)
  return prefix.replace(/\d+$/, '')
}

function headline(
  role: LearnedRole,
  group: Group | undefined,
  roles: readonly LearnedRole[],
  groups: ReadonlyMap<LearnedRole, Group>,
): string {
  const { users } = role
  if (group === undefined)
    return users.map((user) => (user === undefined ? 'without a user name' : text(user))).join(', ')
  const wider = roles.findLast(
    (other) => other.users.length > users.length && groups.has(other) && isPartOf(users, other.users),
  )
  const wide = wider === undefined ? undefined : groups.get(wider)
  const others = (wider?.users.length ?? 0) - users.length
  return wide === undefined
    ? `${text(group.name)}: ${users.length} users`
    : `${text(group.name)}: ${users.length} of ${text(wide.name)}; the other ${others} were never seen at this. Put "group ${wide.name}" if they may.`
}

function isPartOf(users: LearnedRole['users'], others: LearnedRole['users']): boolean {
  const all = new Set(others)
  return users.every((user) => all.has(user))
}

function subjectOf({ users }: LearnedRole, group: Group | undefined): string {
  if (group !== undefined) return text(`group ${group.name}`)
  const subjects = users.map((user) => (user === undefined ? 'anonymous' : text(`user ${user}`)))
  return subjects.length === 1 ? (subjects[0] ?? '') : `[${subjects.join(', ')}]`
}

function ruleText({ actions, template }: LearnedRule, subject: string): string {
  const words = actions.map((action) => (action === 'publish' ? 'publish' : 'receive'))
  const action = words.length === 1 ? (words[0] ?? '') : `[${words.join(', ')}]`
  return `{ allow: ${action}, topics: ${quoted(topicOf(template))}, for: ${subject} }`
}

/** The filter as the rules have it. */
function topicOf(template: readonly TemplateLevel[]): string {
  return template.join('/').replaceAll('%', '%%').replaceAll('\0u', '%u').replaceAll('\0c', '%c')
}

function evidenceText(
  { evidence: { topics, clients, count, firstAtMs, lastAtMs } }: LearnedRule,
  { users }: LearnedRole,
  latestByUser: ReadonlyMap<string | undefined, number>,
): string {
  const latest = users.reduce((most, user) => Math.max(most, latestByUser.get(user) ?? 0), 0)
  if (count === 1 && latest - lastAtMs > DAY_MS) return `seen once, on ${day(lastAtMs)}: is it wanted?`
  const many = topics > clients.size ? `${topics} topics, ` : ''
  const who = clients.size === 1 ? 'one client' : `${clients.size} clients`
  return `${many}${who}, ${daysText(firstAtMs, lastAtMs)}`
}

function daysText(firstMs: number, lastMs: number): string {
  return day(firstMs) === day(lastMs) ? `on ${day(lastMs)}` : `from ${day(firstMs)} to ${day(lastMs)}`
}

function day(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10)
}

/** A list of YAML, on as many lines as it needs. */
function listLines(start: string, items: readonly string[]): string[] {
  const lines: string[] = []
  let line = `${start}[`
  for (const [i, item] of items.entries()) {
    const part = `${item}${i === items.length - 1 ? ']' : ','}`
    if (line.length + part.length + 1 > LINE_CHARACTERS) {
      lines.push(line)
      line = `        ${part}`
    } else line += line.endsWith('[') ? part : ` ${part}`
  }
  return [...lines, line]
}

/** A text in YAML, with quotes where it needs them. */
function text(value: string): string {
  return PLAIN.test(value) && !NO_TEXT.test(value) ? value : quoted(value)
}

function quoted(value: string): string {
  if (!/[\p{C}\u2028\u2029]/u.test(value)) return `'${value.replaceAll("'", "''")}'`
  return `"${Array.from(value.matchAll(/[^]/gu), ([character]) => escaped(character)).join('')}"`
}

function escaped(character: string): string {
  if (character === '"' || character === '\\') return `\\${character}`
  if (!/[\p{C}\u2028\u2029]/u.test(character)) return character
  return `\\U${(character.codePointAt(0) ?? 0).toString(16).padStart(8, '0')}`
}
