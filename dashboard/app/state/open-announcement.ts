import { computed, effect, signal } from '@preact/signals'
import type { Announcement } from '../../worker/announcement.ts'
import { apiUrl } from './api.ts'
import { openConversation } from './conversations.ts'
import { announcement } from './hub.ts'

/** What the device of the open conversation says of itself; undefined for others and until it is known. */
export const openAnnouncement = signal<Announcement | undefined>(undefined)

/** Changes when a device announces itself anew. */
const saidAtMs = computed(() => {
  const one = openConversation.value
  if (one === undefined) return undefined
  // Topics change with the feed, and `last` with them.
  void one.last.value
  return one.topics.get(`devices/${one.name}/about`)?.atMs
})

/** Reads it with each conversation that is opened, and again when the device says it anew. */
export function followAnnouncement(): void {
  effect(() => {
    void openConversation.value
    openAnnouncement.value = undefined
  })
  effect(() => {
    const one = openConversation.value
    void saidAtMs.value
    if (one?.kind === 'device') void read(one.name)
  })
}

async function read(name: string): Promise<void> {
  const about = await announcement(apiUrl('retained', { filter: `devices/${name}/about`, limit: 1 }))
  const open = openConversation.peek()
  if (open?.kind === 'device' && open.name === name) openAnnouncement.value = about
}
