import { type Signal, signal } from '@preact/signals'

/** The third column; it lies over the others where there is no room for it. */
export const isDetailsShown = signal(innerWidth >= 1500)

/** The widths at which the style sheet lays it over the others, and over all of them. */
export const isOverlaid = followMedia('(max-width: 1100px)')
export const isPhone = followMedia('(max-width: 720px)')

export type Dialog = 'jump' | 'keys' | 'settings' | 'new' | 'account'

/** What lies over the page, if anything does. */
export const dialog = signal<Dialog | undefined>(undefined)

/** The pointer or the focus is in the list of conversations: nothing there moves by itself. */
export const isListHeld = signal(false)

/** Whether one searches in the open conversation. */
export const isSearchOpen = signal(false)

function followMedia(query: string): Signal<boolean> {
  const list = matchMedia(query)
  const isMatched = signal(list.matches)
  list.addEventListener('change', () => (isMatched.value = list.matches))
  return isMatched
}
