import { topicFilterFault, type TopicLimits } from './topic.ts'

const PREFIX = '$share/'

/** Tells whether a topic filter is one of a shared subscription, well-formed or not [MQTT5 §4.8.2]. */
export function isSharedFilter(filter: string): boolean {
  return filter.startsWith(PREFIX)
}

/** The filter that messages are matched with: `a/+` of `$share/group/a/+`, or the filter itself when it is not shared. */
export function matchedFilter(filter: string): string {
  return isSharedFilter(filter) ? filter.slice(filter.indexOf('/', PREFIX.length) + 1) : filter
}

/** Says for the log what a topic filter of a SUBSCRIBE lacks, shared or not, or undefined when it is valid. */
export function subscriptionFault(filter: string, limits: TopicLimits): string | undefined {
  if (!isSharedFilter(filter)) return topicFilterFault(filter, limits)
  const nameEnd = filter.indexOf('/', PREFIX.length)
  const name = filter.slice(PREFIX.length, nameEnd)
  // [MQTT5-4.8.2-1] [MQTT5-4.8.2-2]
  if (nameEnd === -1 || name === '') return 'a shared subscription must be $share/<name>/<filter>'
  if (/[+#]/.test(name)) return "the name of a shared subscription must not contain '+' or '#'"
  return topicFilterFault(filter.slice(nameEnd + 1), limits)
}
