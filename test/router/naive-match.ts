import * as fc from 'fast-check'

/** The reference that the trees are held against: a filter as a regular expression. Both must be valid. */
export function naiveMatches(filter: string, topic: string): boolean {
  // [MQTT-4.7.2-1]
  if (topic.startsWith('$') && /^[+#]/.test(filter)) return false
  const pattern = filter
    .replaceAll(/[$.^*?()[\]{}|\\]/g, String.raw`\$&`)
    .replaceAll('+', '[^/]*')
    .replace(/(^|\/)#$/, (_all, slash) => (slash === '' ? '.*' : '(/.*)?'))
  return new RegExp(`^${pattern}$`, 'su').test(topic)
}

// Few levels, so that topics and filters meet; among them an empty one, a "$" and one that is not ASCII.
const LEVELS = ['', 'a', 'b', '$S', 'é']

/** Valid topic names of one to four levels. */
export const topics = fc
  .array(fc.constantFrom(...LEVELS), { minLength: 1, maxLength: 4 })
  .map((levels) => levels.join('/'))
  .filter((topic) => topic !== '')

/** Valid topic filters of one to five levels. */
export const filters = fc
  .tuple(fc.array(fc.constantFrom(...LEVELS, '+', '+'), { maxLength: 4 }), fc.boolean())
  .map(([levels, hasRest]) => (hasRest ? [...levels, '#'] : levels).join('/'))
  .filter((filter) => filter !== '')
