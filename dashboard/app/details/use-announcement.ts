import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { apiUrl, ask } from '../state/api.ts'
import type { Conversation } from '../state/conversations.ts'
import { type Announcement, readAnnouncement } from './announcement.ts'

/** What a device has announced; undefined until it is read, or when there is nothing. Read again when the device says it anew. */
export function useAnnouncement({ name, kind, last, topics }: Conversation): Announcement | undefined {
  const announced = useSignal<Announcement | undefined>(undefined)
  const topic = `devices/${name}/about`
  // Topics change with the feed, and `last` with them.
  void last.value
  const saidAtMs = topics.get(topic)?.atMs
  useEffect(() => {
    if (kind !== 'device') return
    const load = async (): Promise<void> => {
      try {
        const about = await ask<{ payload?: string }>('GET', apiUrl('retained/one', { topic }))
        announced.value = readAnnouncement(about.payload ?? '')
      } catch {
        // Most devices announce nothing.
        announced.value = undefined
      }
    }
    void load()
  }, [topic, saidAtMs])
  return announced.value
}
