import { conversations, openConversation } from './state/conversations.ts'
import { dialog, isSearchOpen } from './state/layout.ts'
import { markRead, stream } from './state/open.ts'
import { go, hrefOf } from './state/place.ts'
import { isSignInNeeded } from './state/session.ts'

/** The keys that work everywhere. Returns what ends it. */
export function listenToKeys(): () => void {
  document.addEventListener('keydown', pressed)
  return () => document.removeEventListener('keydown', pressed)
}

function pressed(event: KeyboardEvent): void {
  if (isSignInNeeded.peek()) return
  const isWriting = event.target instanceof Element && event.target.closest('input, textarea, select') !== null
  if ((event.ctrlKey || event.metaKey) && event.code === 'KeyK') {
    event.preventDefault()
    dialog.value = 'jump'
  } else if (event.altKey && (event.key === 'ArrowUp' || event.key === 'ArrowDown')) {
    event.preventDefault()
    move(event.key === 'ArrowUp' ? -1 : 1)
  } else if (event.key === '?' && !isWriting) dialog.value = 'keys'
  else if (event.key === '/' && !isWriting) {
    event.preventDefault()
    if (openConversation.peek() === undefined) dialog.value = 'jump'
    else isSearchOpen.value = true
  } else if (event.key === 'Escape' && dialog.value === undefined && !isSearchOpen.value) {
    markRead()
    toNewest()
  }
}

function move(step: number): void {
  const all = conversations.peek()
  const index = all.findIndex(({ id }) => id === openConversation.peek()?.id)
  const next = all[Math.max(0, Math.min(all.length - 1, index + step))]
  if (next !== undefined) go(hrefOf(next.id))
}

function toNewest(): void {
  const scroller = document.querySelector('.stream .scroller')
  if (scroller !== null) scroller.scrollTop = scroller.scrollHeight
  stream.peek().seeEnd(true)
}
