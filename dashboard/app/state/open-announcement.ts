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
    // Without a connection the banner says so.
    if (one?.kind === 'device') read(one.name).catch(() => undefined)
  })
}

async function read(name: string): Promise<void> {
  const filter = `devices/${name}/about`
  const { messages } = await ask<{ messages: { payload?: string }[] }>('GET', apiUrl('retained', { filter, limit: 1 }))
  const [about] = messages
  if (about !== undefined && openConversation.peek()?.name === name) {
    openAnnouncement.value = readAnnouncement(about.payload ?? '')
  }
}
