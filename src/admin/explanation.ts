import type { MessageTrail, Outcome } from '../trails/trail.ts'
import type { Sessions } from '../session/sessions.ts'
import type { MatchingSubscriptions } from './matching.ts'
import type { NearestFilter } from './nearest-filter.ts'

/** Why messages of a topic did or did not arrive. */
export interface Explanation {
  readonly topic: string
  readonly clientId: string | null
  /** The answer in sentences, the most important first. */
  readonly summary: readonly string[]
  /** Why no client may publish there. */
  readonly denial: string | null
  readonly matching: MatchingSubscriptions
  /** The client has no subscription that matches: the one that comes nearest. */
  readonly nearest: NearestFilter | null
  /** The last messages that were followed, newest first; only the steps of the client, if one is asked for. */
  readonly messages: readonly MessageTrail[]
  /** Messages since the start that were not followed, because there were too many at once. */
  readonly unfollowedMessages: number
}

/** How an outcome reads after "client … " or "a shared subscription …". */
const OUTCOMES: Readonly<Record<Outcome, string>> = {
  queued: 'has it queued',
  sent: 'was sent it and has not answered yet',
  delivered: 'was sent it; at QoS 0 nothing more is known',
  received: 'has received it (PUBREC) and not finished the exchange',
  acknowledged: 'acknowledged it',
  'handed-on': 'left before it had acknowledged it: another member gets it',
  dropped: 'did not get it',
}

/** The explanation in sentences, the most important first. */
export function summarize(explanation: Omit<Explanation, 'summary'>, sessions: Sessions): string[] {
  const { topic, clientId, denial, matching, nearest, messages, unfollowedMessages } = explanation
  const sentences: string[] = []
  if (denial !== null) sentences.push(`Clients cannot publish to ${JSON.stringify(topic)}: ${denial}.`)
  if (clientId === null) sentences.push(subscribersSentence(matching))
  else sentences.push(...clientSentences(clientId, matching, nearest, sessions))
  const [last] = messages
  if (last === undefined) {
    sentences.push(
      denial === null
        ? 'No message to this topic was seen since the hub started, or it was too long ago.'
        : 'What the hub itself publishes is not followed.',
    )
    return sentences
  }
  sentences.push(lastSentence(last, clientId))
  for (const { clientId: receiver, group, outcome, reason, afterMs } of last.steps) {
    const who =
      receiver === undefined
        ? group === undefined
          ? 'The program that embeds the hub'
          : `The shared subscription ${group}`
        : `Client ${JSON.stringify(receiver)}`
    const way = receiver !== undefined && group !== undefined ? `, by ${group}` : ''
    const why = reason === undefined ? '' : ` (${reason})`
    sentences.push(`${who} ${OUTCOMES[outcome]}${why}${way}, ${afterMs.toFixed(1)} ms after it came.`)
  }
  if (unfollowedMessages > 0) {
    sentences.push(`${unfollowedMessages} messages of this topic were not followed: there were too many at once.`)
  }
  return sentences
}

function subscribersSentence({ subscribers, subscriptions }: MatchingSubscriptions): string {
  if (subscribers === 0) return 'Nobody subscribes to this topic.'
  const away = subscriptions.filter(({ isConnected }) => !isConnected).length
  const text = subscribers === 1 ? 'One subscriber matches' : `${subscribers} subscribers match`
  return away === 0 ? `${text}.` : `${text}; ${away} of the clients are away.`
}

function clientSentences(
  clientId: string,
  { subscriptions }: MatchingSubscriptions,
  nearest: NearestFilter | null,
  sessions: Sessions,
): string[] {
  const name = JSON.stringify(clientId)
  const session = sessions.get(clientId)
  if (session === undefined) return [`Client ${name} is not connected and has no kept session: it gets nothing.`]
  const sentences: string[] = []
  if (session.connection === undefined) {
    sentences.push(`Client ${name} is away; at QoS 1 and 2 its messages wait in its session.`)
  }
  if (subscriptions.length > 0) {
    const filters = subscriptions.map(({ filter, qos }) => `${JSON.stringify(filter)} at QoS ${qos}`)
    sentences.push(`Client ${name} subscribes to it by ${filters.join(', ')}.`)
  } else if (nearest === null) {
    sentences.push(`Client ${name} has no subscriptions.`)
  } else {
    sentences.push(
      `Client ${name} has no subscription that matches. The nearest is ${JSON.stringify(nearest.filter)}: ${nearest.difference}.`,
    )
  }
  return sentences
}

function lastSentence(
  { atMs, publisher, qos, matched, refusal, steps }: MessageTrail,
  clientId: string | null,
): string {
  const from = publisher === undefined ? 'the hub' : `client ${JSON.stringify(publisher)}`
  const came = `The last message came at ${new Date(atMs).toISOString()} from ${from} at QoS ${qos}`
  if (refusal !== undefined) return `${came} and went nowhere: ${refusal}.`
  const text = `${came} and was for ${matched === 1 ? 'one subscriber' : `${matched} subscribers`}.`
  return clientId !== null && steps.length === 0 ? `${text} This client was not among those that were followed.` : text
}
