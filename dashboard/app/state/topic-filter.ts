/** Tells whether a topic falls under a filter, both valid. */
export function matches(filter: string, topic: string): boolean {
  const wanted = filter.split('/')
  const levels = topic.split('/')
  // [MQTT-4.7.2-1] a leading wildcard never reaches topics that begin with "$".
  if (topic.startsWith('$') && (wanted[0] === '#' || wanted[0] === '+')) return false
  for (const [index, level] of wanted.entries()) {
    if (level === '#') return true
    if (index >= levels.length || (level !== '+' && level !== levels[index])) return false
  }
  return wanted.length === levels.length
}

/** Whether a topic filter is one; undefined when it is. */
export function filterFault(filter: string): 'filterEmpty' | 'filterWildcard' | undefined {
  if (filter === '') return 'filterEmpty'
  const levels = filter.split('/')
  const isWrong = levels.some(
    (level, index) =>
      (level.includes('+') && level !== '+') || (level.includes('#') && (level !== '#' || index < levels.length - 1)),
  )
  return isWrong || filter.includes('\0') ? 'filterWildcard' : undefined
}
