/**
 * Topics of which many have the same hash whatever the seed is. Two words of eight letters differ in bits 29 and 14 alone: with a
 * probability of a half the second undoes what the first has done, so of topics of `words` such pairs those are equal in their
 * hash that differ only where it does.
 */
export function hostileTopics(words: number): string[] {
  const pairs = ['xxxaxxxa', 'xxxAx8xA'] as const
  return Array.from({ length: 2 ** words }, (_, choice) =>
    Array.from({ length: words }, (__, word) => pairs[((choice >> word) & 1) === 0 ? 0 : 1]).join(''),
  )
}
