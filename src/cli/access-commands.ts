import { isIP } from 'node:net'
import { type Identity, ROLES, type Role } from '../auth/identity.ts'
import { AccessRules } from '../auth/rules/access-rules.ts'
import type { AccessQuestion } from '../auth/rules/explain-access.ts'
import { readAccess } from '../auth/rules/read-access.ts'
import { closest, didYouMean } from '../base/closest.ts'
import { HubbubError } from '../base/errors.ts'
import { matchedFilter, subscriptionFault } from '../protocol/shared-filter.ts'
import { topicNameFault } from '../protocol/topic.ts'
import { routedFilter } from '../session/subscriptions.ts'
import type { CommandCall } from './command.ts'

const ACTIONS = ['publish', 'receive', 'subscribe'] as const

/** Says why somebody may or may not do something, from the files alone. @throws HubbubError `COMMAND_INVALID` */
export async function explainAccess({ flags, loadConfig }: CommandCall): Promise<string> {
  const question = questionOf(flags)
  const identity = identityOf(flags)
  const { config } = await loadConfig()
  const explanation = new AccessRules(readAccess(config.access).ruleSet).explain(identity, question)
  if (!flags.has('json')) return `${explanation.summary.join('\n')}\n`
  const { action, topic } = question
  return `${JSON.stringify({ action, topic, ...explanation }, undefined, 2)}\n`
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
    groups: (flags.get('groups') ?? '').split(',').filter((group) => group !== ''),
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
