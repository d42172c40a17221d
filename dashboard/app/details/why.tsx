import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type { Answer as ApiAnswer } from '../../../src/http/api-types.ts'
import { ask } from '../state/api.ts'
import { latency, time } from '../words/format.ts'
import { count, words } from '../words/words.ts'

type Explanation = ApiAnswer<'GET /explain'>

const SHOWN = 8

interface WhyProps {
  readonly clientId: string
  /** The client is connected, away, or unknown to the hub. */
  readonly state: 'here' | 'away' | 'gone' | undefined
  /** Topics that are worth asking about: what others publish for it. */
  readonly topics: readonly string[]
}

/** "Why did it not arrive?": what became of the last messages of a topic on their way to this client. */
export function Why({ clientId, state, topics }: WhyProps) {
  const text = words.value
  const written = useSignal<string | undefined>(undefined)
  const topic = written.value ?? topics[0] ?? ''
  const answer = useSignal<Explanation | undefined>(undefined)
  const fault = useSignal<string | undefined>(undefined)
  const explain = async (): Promise<void> => {
    if (/[+#]/.test(topic)) {
      answer.value = undefined
      fault.value = text.whys.noWildcards
      return
    }
    try {
      answer.value = await ask('GET /explain', { query: { topic, clientId } })
      fault.value = undefined
    } catch (error) {
      answer.value = undefined
      fault.value = error instanceof Error ? error.message : String(error)
    }
  }
  useEffect(() => {
    written.value = undefined
    answer.value = undefined
    fault.value = undefined
  }, [clientId])
  return (
    <section>
      <h3>{text.why}</h3>
      <form
        class="why"
        onSubmit={(event) => {
          event.preventDefault()
          written.value = topic
          void explain()
        }}
      >
        <input
          aria-label={text.topic}
          list="why-topics"
          required
          placeholder={text.whys.topicToAsk}
          spellcheck={false}
          value={topic}
          onInput={({ currentTarget }) => (written.value = currentTarget.value)}
        />
        <datalist id="why-topics">
          {topics.map((one) => (
            <option key={one} value={one} />
          ))}
        </datalist>
        <button type="submit">{text.explain}</button>
      </form>
      <div role="status">
        {fault.value !== undefined && <p class="fault">{fault.value}</p>}
        {answer.value !== undefined && <Answer answer={answer.value} clientId={clientId} state={state} />}
      </div>
    </section>
  )
}

interface AnswerProps extends Pick<WhyProps, 'clientId' | 'state'> {
  readonly answer: Explanation
}

function Answer({ answer, clientId, state }: AnswerProps) {
  const { whys: text, outcomes, messages: nouns } = words.value
  const { subscriptions, nearest, messages, denial, unfollowedMessages } = answer
  const sentences = [
    denial !== null && text.denied,
    (state === undefined || state === 'gone') && text.noSession(clientId),
    state === 'away' && text.away(clientId),
    ...subscriptions.map(({ filter, qos }) => text.subscribes(filter, qos)),
    subscriptions.length === 0 &&
      (nearest === null ? text.noSubscriptions : text.nearest(nearest.filter, differenceOf(nearest))),
    messages.length === 0 && text.noMessages,
    unfollowedMessages > 0 && text.unfollowed(count(unfollowedMessages, nouns)),
  ].filter((sentence) => sentence !== false)
  return (
    <>
      <ul class="why-sentences">
        {sentences.map((sentence) => (
          <li key={sentence}>{sentence}</li>
        ))}
      </ul>
      <ol class="why-messages">
        {messages.slice(0, SHOWN).map(({ atMs, publisher, qos, steps }, index) => (
          <li key={`${atMs} ${index}`}>
            <time>{time(atMs)}</time> <span class="badge">Q{qos}</span> <bdi class="quiet">{publisher ?? text.hub}</bdi>
            {steps.length === 0 && <p>{text.notForIt}</p>}
            {steps.map(({ outcome, reason, afterMs }) => (
              <p key={outcome} data-outcome={outcome}>
                {outcomeText(outcomes, outcome)}
                {reason !== null && `: ${outcomeText(text.reasons, reason)}`} ({latency(afterMs)})
              </p>
            ))}
          </li>
        ))}
      </ol>
    </>
  )
}

function differenceOf({ departure, matchingLevels, filterLevel, topicLevel }: NonNullable<Explanation['nearest']>) {
  return words.value.whys.departures[departure](matchingLevels, filterLevel ?? '', topicLevel ?? '')
}

function outcomeText(names: Readonly<Record<string, string>>, outcome: string): string {
  return names[outcome] ?? outcome
}
