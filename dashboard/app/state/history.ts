import { effect } from '@preact/signals'
import { openConversation } from './conversations.ts'
import { isDetailsShown, isOverlaid, isPhone } from './layout.ts'

/** What this page knows of an entry of the browser's history. */
interface Entry {
  /** The list is what Back leads to. */
  readonly isFromList?: boolean
  /** On a phone the details are a page of their own. */
  readonly areDetailsShown?: boolean
}

/** Back closes what lies over the conversation, then leaves it; details that lie over one do not follow to another. */
export function followHistory(): void {
  if (history.state === null) mark({})
  addEventListener('hashchange', ({ oldURL }) => {
    // An entry that was there before has been marked.
    if (history.state === null) mark({ isFromList: /^#?\/?$/.test(new URL(oldURL).hash) })
  })
  addEventListener('popstate', () => {
    if (isPhone.peek()) isDetailsShown.value = entry().areDetailsShown === true
  })
  let id = openConversation.peek()?.id
  effect(() => {
    const now = openConversation.value?.id
    if (now !== id && isOverlaid.peek()) isDetailsShown.value = false
    id = now
  })
  effect(() => {
    const isShown = isDetailsShown.value && isPhone.value && openConversation.value !== undefined
    const isEntry = entry().areDetailsShown === true
    if (isShown && !isEntry) history.pushState({ ...entry(), areDetailsShown: true }, '')
    else if (!isShown && isEntry) history.back()
  })
}

/** To the list, so that Back does not lead here again. */
export function leave(): void {
  if (entry().isFromList === true) history.back()
  else location.replace('#/')
}

function entry(): Entry {
  const { state }: { state: Entry | null } = history
  return state ?? {}
}

function mark(made: Entry): void {
  history.replaceState(made, '')
}
