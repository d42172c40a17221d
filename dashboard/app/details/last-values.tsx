import { Icon } from '../icons.tsx'
import type { Conversation } from '../state/conversations.ts'
import { rate, when } from '../words/format.ts'
import { words } from '../words/words.ts'

const SHOWN = 40

/** The last message of each topic, as the hub's feed tells it. */
export function LastValues({ conversation }: { readonly conversation: Conversation }) {
  // Topics change with the feed, and so does this.
  void conversation.last.value
  void conversation.rate.value
  const topics = [...conversation.topics.values()].toSorted((one, other) => (one.topic < other.topic ? -1 : 1))
  if (topics.length === 0) return null
  return (
    <section>
      <h3>
        <Icon name="wave" /> {words.value.lastValues}
      </h3>
      <ul class="values">
        {topics.slice(0, SHOWN).map(({ topic, last, messagesPerSecond }) => (
          <li key={topic}>
            <span class="values-topic" title={topic}>
              <bdi>{topic}</bdi>
            </span>
            <bdi class="values-value">{(last.payload ?? words.value.binary).slice(0, 120)}</bdi>
            <span class="quiet">{messagesPerSecond >= 1 ? rate(messagesPerSecond) : when(last.atMs)}</span>
          </li>
        ))}
      </ul>
    </section>
  )
}
