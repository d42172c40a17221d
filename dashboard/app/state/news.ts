/** Topics of a device that are not messages to be read. */
const UNCOUNTED = /^devices\/[^/]+\/(?:telemetry|state|status|about)(?:\/|$)/

/** Whether a message of a topic counts as unread until it is seen. */
export function isNews(topic: string): boolean {
  return !UNCOUNTED.test(topic)
}
