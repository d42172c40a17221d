import { type Signal, signal } from '@preact/signals'
import { type Announcement, readAnnouncement } from '../details/announcement.ts'
import { apiUrl, ask } from './api.ts'
import { newsOf } from './conversations.ts'

interface Said {
  readonly announcement: Signal<Announcement | undefined>
  /** When the device said it, as far as the feed has told. */
  readonly atMs: number | undefined
}

/** More devices than anybody looks at in one go. */
const MAX_KEPT = 1000

const kept = new Map<string, Said>()

/**
 * What a device says of itself; undefined until it is read, and for those that say nothing. It is read when first asked for, and
 * again when the device says it anew.
 */
export function announcementOf(device: string): Announcement | undefined {
  const topic = `devices/${device}/about`
  const atMs = newsOf(topic)?.atMs
  const before = kept.get(device)
  if (before !== undefined && before.atMs === atMs) return before.announcement.value
  const announcement = before?.announcement ?? signal(undefined)
  kept.set(device, { announcement, atMs })
  const [oldest] = kept.keys()
  if (kept.size > MAX_KEPT && oldest !== undefined) kept.delete(oldest)
  void read(device, topic, announcement)
  return announcement.value
}

async function read(device: string, topic: string, announcement: Said['announcement']): Promise<void> {
  try {
    // A list of none, where one that is not there would be a failed request in the browser's console.
    const { messages } = await ask<{ messages: { payload?: string }[] }>(
      'GET',
      apiUrl('retained', { filter: topic, limit: 1 }),
    )
    const [about] = messages
    announcement.value = about === undefined ? undefined : readAnnouncement(about.payload ?? '')
  } catch {
    // Without a connection the banner says so; it is read when asked for again.
    kept.delete(device)
  }
}
