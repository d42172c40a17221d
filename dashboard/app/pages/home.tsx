import { useSignal } from '@preact/signals'
import { Icon } from '../icons.tsx'
import { topicCount } from '../state/conversations.ts'
import { isFeedReady } from '../state/feed.ts'
import { words } from '../words/words.ts'
import { FirstMinute } from './first-minute.tsx'

/** Until anybody has published, how to; then a choice of conversations. */
export function Home() {
  const text = words.value
  const isFresh = useSignal<boolean | undefined>(undefined)
  if (isFeedReady.value && isFresh.value === undefined) isFresh.value = topicCount.value === 0
  if (isFresh.value === true) return <FirstMinute />
  return (
    <main class="page page-empty" tabIndex={-1}>
      <div class="empty">
        <Icon name="chat" />
        <h1>{text.chooseConversation}</h1>
        <p>{text.chooseConversationHelp}</p>
      </div>
    </main>
  )
}
