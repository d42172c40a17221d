import { signal } from '@preact/signals'

/** The third column; on a phone it lies over the others. */
export const isDetailsShown = signal(innerWidth >= 1500)

export type Dialog = 'jump' | 'keys' | 'settings' | 'new'

/** What lies over the page, if anything does. */
export const dialog = signal<Dialog | undefined>(undefined)

/** The pointer or the focus is in the list of conversations: nothing there moves by itself. */
export const isListHeld = signal(false)

/** Whether one searches in the open conversation. */
export const isSearchOpen = signal(false)
