import { type Signal, signal } from '@preact/signals'
import type { Announcement } from '../../worker/announcement.ts'
import { apiUrl } from './api.ts'
import { newsOf } from './conversations.ts'
import { announcement as readAnnouncement, link } from './hub.ts'

interface Said {
  readonly announcement: Signal<Announcement | undefined>
  /** When the device said it, as far as the feed has told. */
  readonly saidAtMs: number | undefined
  /** Of the connection it was read with. */
  readonly linkedAtMs: number
}

/** More devices than anybody looks at in one go. */
const MAX_KEPT = 1000

const kept = new Map<string, Said>()

/**
 * What a device says of itself; undefined until it is read, and for those that say nothing. It is read when first asked for, when
 * the device says it anew, and with each new connection.
 */
export function announcementOf(device: string): Announcement | undefined {
  const topic = `devices/${device}/about`
  const { state, atMs: linkedAtMs } = link.value
  const saidAtMs = newsOf(topic)?.atMs
  const before = kept.get(device)
  const isNew = before?.saidAtMs !== saidAtMs || (state === 'online' && before?.linkedAtMs !== linkedAtMs)
  if (before !== undefined && !isNew) return before.announcement.value
  const announcement = before?.announcement ?? signal(undefined)
  kept.set(device, { announcement, saidAtMs, linkedAtMs })
  const [oldest] = kept.keys()
  if (kept.size > MAX_KEPT && oldest !== undefined) kept.delete(oldest)
  void readAnnouncement(apiUrl('GET /retained', { query: { payload: 'full', filter: topic, limit: 1 } })).then(
    (read) => (announcement.value = read),
  )
  return announcement.value
}
