import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { visible } from '../../worker/visible.ts'
import type { Answer } from '../../../src/http/api-types.ts'
import { AsOf, Unknown } from '../as-of.tsx'
import { ask, ProblemError } from '../state/api.ts'
import type { Conversation } from '../state/conversations.ts'
import { lostAtMs } from '../state/outage.ts'
import { presenceOf } from '../state/presence.ts'
import { moment } from '../words/format.ts'
import { count, number, words } from '../words/words.ts'
import { Facts } from './facts.tsx'

const REFRESH_MS = 3000
const NOT_FOUND = 404

/** What the hub said last, undefined when it knows no such client, and when. */
interface Asked {
  readonly answer: Answer<'GET /clients/:clientId'> | undefined
  readonly atMs: number
}

interface SessionProps {
  readonly conversation: Conversation
  readonly clientId: string
}

/** The session of a device, as the hub sees it, and the device's own word beside. */
export function SessionPart({ conversation, clientId }: SessionProps) {
  const text = words.value
  const reasons: Readonly<Record<string, string>> = text.whys.reasons
  const client = useSignal<Asked | undefined>(undefined)
  const state = presenceOf(clientId)
  useEffect(() => {
    const load = async (): Promise<void> => {
      try {
        const answer = await ask('GET /clients/:clientId', { params: { clientId } })
        client.value = { answer, atMs: Date.now() }
      } catch (error) {
        // Without an answer nothing is known of it that was not known before.
        if (error instanceof ProblemError && error.status === NOT_FOUND)
          client.value = { answer: undefined, atMs: Date.now() }
      }
    }
    void load()
    const timer = setInterval(() => void load(), REFRESH_MS)
    return () => clearInterval(timer)
  }, [clientId, state])
  const known = client.value?.answer
  const isLost = lostAtMs.value !== undefined
  const available = conversation.availability.value
  return (
    <section>
      <h3>{text.session}</h3>
      {isLost && (client.value === undefined ? <Unknown /> : <AsOf atMs={client.value.atMs} />)}
      {client.value !== undefined && known === undefined && <p class="quiet">{text.noSession}</p>}
      <Facts
        facts={[
          [text.session, state === undefined ? undefined : text[state]],
          [text.availability, available === undefined || isLost ? undefined : text.availabilities[available]],
          [text.address, known?.connection?.address],
          [text.protocol, known?.connection && `MQTT ${known.connection.protocol}`],
          [text.since, known?.connection && moment(known.connection.connectedAtMs)],
          [text.queued, known && known.queuedMessages > 0 ? count(known.queuedMessages, text.messages) : undefined],
          ...Object.entries(known?.dropped ?? {})
            .filter(([, amount]) => amount > 0)
            .map(([reason, amount]): [string, string] => [
              `${text.drops}: ${reasons[reason] ?? reason}`,
              number(amount),
            ]),
          [text.lastError, known?.lastError?.reason],
        ].map(([name, value]) => [name ?? '', value ?? undefined])}
      />
      {known !== undefined && known.subscriptions.length > 0 && (
        <>
          <h3>{text.subscriptions}</h3>
          <ul class="filters">
            {known.subscriptions.map(({ filter, qos }) => (
              <li key={filter}>
                <code>
                  <bdi>{visible(filter)}</bdi>
                </code>{' '}
                <span class="badge">Q{qos}</span>
              </li>
            ))}
          </ul>
        </>
      )}
    </section>
  )
}
