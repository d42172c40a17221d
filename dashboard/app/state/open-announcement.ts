import { effect, signal } from '@preact/signals'
import { type Announcement, readAnnouncement } from '../details/announcement.ts'
import { apiUrl, ask } from './api.ts'
import { openConversation } from './conversations.ts'

/** What the device of the open conversation says of itself; undefined for others and until it is known. */
export const openAnnouncement = signal<Announcement | undefined>(undefined)

/** Reads it anew with each conversation that is opened. */
export function followAnnouncement(): void {
  effect(() => {
    const one = openConversation.value
    openAnnouncement.value = undefined
    if (one?.kind === 'device') void read(one.name)
  })
}

async function read(name: string): Promise<void> {
  try {
    const about = await ask<{ payload?: string }>('GET', apiUrl('retained/one', { topic: `devices/${name}/about` }))
    if (openConversation.peek()?.name === name) openAnnouncement.value = readAnnouncement(about.payload ?? '')
  } catch {
    // Most devices announce nothing.
  }
}
