import { existsSync } from 'node:fs'
import { isIP } from 'node:net'
import { join } from 'node:path'
import { type Identity, ROLES, type Role } from '../auth/identity.ts'
import { AccessRules } from '../auth/rules/access-rules.ts'
import { type AccessQuestion, missedText } from '../auth/rules/explain-access.ts'
import {
  type AccessChange,
  compareAccess,
  identityOfSighting,
  type SightingVerdict,
} from '../auth/observed/compare-access.ts'
import { learn } from '../auth/observed/learn.ts'
import { OBSERVED_FILE, readObserved } from '../auth/observed/observed-file.ts'
import { Observed, type Sighting } from '../auth/observed/observed.ts'
import { proposalText } from '../auth/observed/proposal.ts'
import { readAccess } from '../auth/rules/read-access.ts'
import { readOwnRules } from '../auth/users/own-rules.ts'
import { UsersFile } from '../auth/users/users-file.ts'
import type { User } from '../auth/users/user.ts'
import { usersPlace } from '../auth/users/users-place.ts'
import { placeText } from '../auth/denial.ts'
import { closest, didYouMean } from '../base/closest.ts'
import { readDurationMs } from '../base/durations.ts'
import { HubbubError } from '../base/errors.ts'
import { quote } from '../base/quote.ts'
import type { Config } from '../config/config.ts'
import { matchedFilter, subscriptionFault } from '../protocol/shared-filter.ts'
import { topicNameFault } from '../protocol/topic.ts'
import { routedFilter } from '../session/subscriptions.ts'
import type { CommandCall } from './command.ts'
import { STORE_FILE } from '../store/disk/store-file.ts'
import { dataFolder } from './data-folder.ts'

const ACTIONS = ['publish', 'receive', 'subscribe'] as const

/** A long list is for programs. */
const MAX_SHOWN_CHANGES = 200

/** Says why somebody may or may not do something, from the files alone. @throws HubbubError `COMMAND_INVALID`, `USERS_INVALID` */
export async function explainAccess({ flags, loadConfig }: CommandCall): Promise<string> {
  const question = questionOf(flags)
  const asked = identityOf(flags)
  const { config } = await loadConfig()
  const users = await usersOf(config)
  const user = users.get(asked.user ?? '')
  const identity = { ...withUser(asked, user), ...(asked.role !== undefined && { role: asked.role }) }
  const explanation = new AccessRules(readAccess(config.access).ruleSet).explain(identity, question)
  const notes: string[] = []
  if (users.size === 0) notes.push('There are no users yet: until there are, the hub asks no rules.')
  else if (asked.user !== undefined && user === undefined) notes.push('This user is not in the users file.')
  const summary = [...explanation.summary, ...missedText(explanation), ...notes]
  if (!flags.has('json')) return `${summary.join('\n')}\n`
  const { action, topic } = question
  return `${JSON.stringify({ action, topic, ...explanation, summary }, undefined, 2)}\n`
}

/** Says what a changed file would change of what was seen. @throws HubbubError with what is wrong with either file */
export async function testAccess({ operand: file, flags, loadConfig }: CommandCall): Promise<string> {
  const { config } = await loadConfig()
  const { ruleSet, faults } = readAccess((await loadConfig(file)).config.access)
  const observed = await observedRows('access test', config, flags.get('for'))
  const rows = [...observed, ...(await keptRows(config, observed))]
  const users = await usersOf(config)
  const changes = compareAccess(
    rows,
    new AccessRules(readAccess(config.access).ruleSet),
    new AccessRules(ruleSet),
    (row) => withUser(identityOfSighting(row), users.get(row.user ?? '')),
  )
  if (flags.has('json')) {
    return `${JSON.stringify({ seen: rows.length, warnings: faults.warnings, changes: changes.map(changeJson) }, undefined, 2)}\n`
  }
  const warnings = faults.warnings.map(({ place, what }) => `${place}: ${what}`)
  const seen = `Of ${rows.length} topics and filters that were seen or are subscribed to, ${changes.length} would change.`
  const shown = changes.slice(0, MAX_SHOWN_CHANGES).map(changeText)
  const more = changes.length - shown.length
  return `${[...warnings, seen, ...shown, ...(more > 0 ? [`And ${more} more: --json shows all.`] : [])].join('\n')}\n`
}

/** Proposes rules that allow what was seen. @throws HubbubError `COMMAND_INVALID` */
export async function learnAccess({ flags, loadConfig }: CommandCall): Promise<string> {
  const { config } = await loadConfig()
  const rows = await observedRows('access learn', config, flags.get('for'))
  return proposalText({ rows, roles: learn(rows) })
}

async function observedRows(command: string, config: Config, since: string | undefined): Promise<Sighting[]> {
  const sinceMs = since === undefined ? Infinity : readDurationMs(since)
  if (sinceMs === undefined) {
    throw new HubbubError(
      'COMMAND_INVALID',
      `Cannot run "${command}": --for must be like 7d or 24h, it is ${quote(since)}`,
    )
  }
  const observed = new Observed({ nowMs: Date.now })
  await readObserved(join(dataFolder(command, config), OBSERVED_FILE), observed)
  return [...observed.rows()].filter(({ lastAtMs }) => lastAtMs >= Date.now() - sinceMs)
}

/** Subscriptions of kept sessions, which lose at once what a new rule takes. They may be older than what was noted. */
async function keptRows(config: Config, observed: readonly Sighting[]): Promise<Sighting[]> {
  const folder = dataFolder('access test', config)
  if (!existsSync(join(folder, STORE_FILE))) return []
  const { inspectSubscriptions } = await import('../store/disk/inspect.ts')
  const known = new Set(observed.filter(({ action }) => action === 'subscribe').map(subscriptionKey))
  const kept = (await inspectSubscriptions(folder)).map(({ user, clientId, filter, qos }): Sighting => ({
    user,
    clientId,
    groups: [],
    role: undefined,
    host: '127.0.0.1',
    listener: 'mqtt',
    action: 'subscribe',
    topic: routedFilter(matchedFilter(filter)),
    maxQos: qos,
    isRetained: false,
    isAllowed: true,
    count: 0,
    firstAtMs: 0,
    lastAtMs: 0,
  }))
  return kept.filter((row) => !known.has(subscriptionKey(row)))
}

function subscriptionKey({ user, clientId, topic }: Sighting): string {
  return JSON.stringify([user ?? null, clientId, topic])
}

async function usersOf(config: Config): Promise<ReadonlyMap<string, User>> {
  const place = usersPlace(config)
  return place === undefined ? new Map() : (await new UsersFile({ ...place, readRules: readOwnRules }).read()).users
}

/** With what the users file says of the user now, beside groups that a token gives. */
function withUser(identity: Identity, user: User | undefined): Identity {
  if (user === undefined) return identity
  const { role, groups, ownRules } = user
  return { ...identity, role, groups: [...new Set([...groups, ...identity.groups])], ownRules }
}

const EXTENTS = { all: 'allowed', some: 'allowed in part', none: 'denied' } as const

function changeText({ sighting: { user, clientId, action, topic, count }, before, after }: AccessChange): string {
  const name = user === undefined ? '(no user name)' : quote(user)
  const client = clientId === undefined ? '' : ` as client ${quote(clientId)}`
  const what = `${EXTENTS[before.extent]} before, ${EXTENTS[after.extent]} then`
  return `  ${name}${client}: ${action} ${quote(topic)}: ${what}${byRule(after)} (${countText(count)})`
}

function countText(count: number): string {
  if (count === 0) return 'a kept session'
  return `seen ${count} ${count === 1 ? 'time' : 'times'}`
}

function byRule({ rule, extent }: SightingVerdict): string {
  if (rule !== undefined) return ` by ${placeText(rule)}`
  return extent === 'all' ? '' : ', since no rule allows it'
}

function changeJson({ sighting, before, after }: AccessChange): object {
  return { ...sighting, before, after }
}

function questionOf(flags: CommandCall['flags']): AccessQuestion {
  const [action, ...others] = ACTIONS.filter((name) => flags.has(name))
  if (action === undefined || others.length > 0) {
    throw fault('one of --publish TOPIC, --receive TOPIC and --subscribe FILTER is required')
  }
  const topic = flags.get(action) ?? ''
  const limits = { maxTopicBytes: 65_535, maxTopicLevels: Infinity }
  const wrong = action === 'subscribe' ? subscriptionFault(topic, limits) : topicNameFault(topic, limits)
  if (wrong !== undefined) throw fault(`--${action} ${JSON.stringify(topic)}: ${wrong}`)
  return { action, topic: action === 'subscribe' ? routedFilter(matchedFilter(topic)) : topic }
}

function identityOf(flags: CommandCall['flags']): Identity {
  const user = flags.get('user')
  const host = flags.get('address') ?? '127.0.0.1'
  if (isIP(host) === 0) throw fault(`--address must be an IP address, it is ${JSON.stringify(host)}`)
  return {
    user,
    groups: (flags.get('group') ?? '').split(',').filter((group) => group !== ''),
    role: roleOf(flags.get('role')),
    via: user === undefined ? 'anonymous' : 'password',
    clientId: flags.get('client'),
    host,
    listener: flags.get('listener') ?? 'mqtt',
    expiresAtMs: Infinity,
    ownRules: [],
  }
}

function roleOf(text: string | undefined): Role | undefined {
  if (text === undefined) return undefined
  const role = ROLES.find((known) => known === text)
  if (role !== undefined) return role
  throw fault(`--role must be ${ROLES.join(', ')}, it is ${JSON.stringify(text)}${didYouMean(closest(text, ROLES))}`)
}

function fault(what: string): HubbubError {
  return new HubbubError('COMMAND_INVALID', `Cannot run "access explain": ${what}`)
}
