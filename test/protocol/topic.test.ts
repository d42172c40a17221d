import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  describeInvalidTopicName,
  filterMatches,
  hasWildcard,
  topicFilterFault,
  topicNameFault,
} from '../../src/protocol/topic.ts'
import { filters, naiveMatches, topics } from '../router/naive-match.ts'
import { runs } from '../support/runs.ts'

const LIMITS = { maxTopicBytes: 20, maxTopicLevels: 4 }

function matches(filter: string, topic: string): boolean {
  return filterMatches(filter.split('/'), topic.split('/'))
}

describe('topicNameFault', () => {
  test('accepts any characters but the forbidden ones, with empty levels and spaces [MQTT-4.7.3-1]', () => {
    for (const topic of ['a', '/', '//', 'a/', '/a', ' ', 'a b/c', '$SYS/x', 'дом/😀', '\uFEFF', 'a/$/b']) {
      expect(topicNameFault(topic, LIMITS), topic).toBe(undefined)
    }
  })

  test('refuses an empty topic name [MQTT-4.7.3-1]', () => {
    expect(topicNameFault('', LIMITS)).toBe('it must have at least one character')
  })

  test('refuses wildcards wherever they stand [MQTT-3.3.2-2] [MQTT-4.7.1-1]', () => {
    for (const topic of ['+', '#', 'a/+', 'a/#', 'a+b', 'a#']) {
      expect(topicNameFault(topic, LIMITS), topic).toBe("it must not contain '+' or '#'")
    }
  })

  test('refuses U+0000 [MQTT-4.7.3-2]', () => {
    expect(topicNameFault('a\0b', LIMITS)).toBe('it must not contain U+0000')
  })

  test('refuses half of a surrogate pair, which has no UTF-8 [MQTT-1.5.3-1]', () => {
    expect(topicNameFault('a\uD83D', LIMITS)).toBe('it must not contain half of a surrogate pair')
    expect(topicNameFault('\uDE00/a', LIMITS)).toBe('it must not contain half of a surrogate pair')
  })

  test('counts the limit in bytes of UTF-8 [MQTT-4.7.3-3]', () => {
    expect(topicNameFault('é'.repeat(10), LIMITS)).toBe(undefined)
    expect(topicNameFault(`${'é'.repeat(10)}a`, LIMITS)).toBe(
      'it must be at most 20 bytes long (limits.maxTopicBytes), it is 21',
    )
  })

  test('counts empty levels as levels', () => {
    expect(topicNameFault('///', LIMITS)).toBe(undefined)
    expect(topicNameFault('////', LIMITS)).toBe('it must have at most 4 levels (limits.maxTopicLevels), it has 5')
  })
})

describe('topicFilterFault', () => {
  test('accepts wildcards that are whole levels [MQTT-4.7.1-2] [MQTT-4.7.1-3]', () => {
    for (const filter of ['#', '+', 'a/#', '/#', '+/#', '+/a/+', 'a/+/b', '/+', '+/', '$SYS/#', 'a', '/']) {
      expect(topicFilterFault(filter, LIMITS), filter).toBe(undefined)
    }
  })

  test('refuses a "#" that is not the whole of the last level [MQTT-4.7.1-2]', () => {
    for (const filter of ['a#', '#a', 'a/#/b', '#/', '#/#', '##', 'a/b#', '+#']) {
      expect(topicFilterFault(filter, LIMITS), filter).toBe("'#' must be the whole of the last level")
    }
  })

  test('refuses a "+" that is not the whole of a level [MQTT-4.7.1-3]', () => {
    for (const filter of ['a+', '+a', '++', 'a/b+/c', 'a/+b']) {
      expect(topicFilterFault(filter, LIMITS), filter).toBe("'+' must be the whole of a level")
    }
  })

  test('keeps the rules and limits of topic names otherwise [MQTT-4.7.3-1] [MQTT-4.7.3-2] [MQTT-4.7.3-3]', () => {
    expect(topicFilterFault('', LIMITS)).toBe('it must have at least one character')
    expect(topicFilterFault('+/\0', LIMITS)).toBe('it must not contain U+0000')
    expect(topicFilterFault('+/aaaaaaaaaaaaaaaaaaa', LIMITS)).toBe(
      'it must be at most 20 bytes long (limits.maxTopicBytes), it is 21',
    )
    expect(topicFilterFault('+/+/+/+/#', LIMITS)).toBe(
      'it must have at most 4 levels (limits.maxTopicLevels), it has 5',
    )
  })
})

describe('hasWildcard', () => {
  test('tells filters that reach other topics from those that spell one', () => {
    expect(hasWildcard('a/+/b')).toBe(true)
    expect(hasWildcard('a/#')).toBe(true)
    expect(hasWildcard('a/b')).toBe(false)
  })
})

describe('describeInvalidTopicName', () => {
  test('quotes the topic and names its fault', () => {
    const bytes = Buffer.from('--a/+--')
    expect(describeInvalidTopicName(bytes, 2, 5, LIMITS)).toBe(
      `the topic name "a/+" is not valid: it must not contain '+' or '#'`,
    )
  })

  test('names bytes that are not UTF-8 before anything else', () => {
    expect(describeInvalidTopicName(Buffer.from([0x2b, 0xff]), 0, 2, LIMITS)).toBe(
      'the topic name "+\uFFFD" is not valid: it must be UTF-8 without U+0000',
    )
  })

  test('quotes no more than the first hundred characters of a stranger', () => {
    const described = describeInvalidTopicName(Buffer.alloc(60_000, 'a'), 0, 60_000, LIMITS)
    expect(described).toBe(
      `the topic name "${'a'.repeat(79)}… is not valid: it must be at most 20 bytes long (limits.maxTopicBytes), it is 60000`,
    )
  })
})

describe('filterMatches', () => {
  test('lets "#" reach the level above it and all below [MQTT-4.7.1-2]', () => {
    for (const topic of [
      'sport/tennis/player1',
      'sport/tennis/player1/ranking',
      'sport/tennis/player1/score/wimbledon',
    ]) {
      expect(matches('sport/tennis/player1/#', topic), topic).toBe(true)
    }
    expect(matches('sport/#', 'sport')).toBe(true)
    expect(matches('sport/#', 'sports')).toBe(false)
    expect(matches('#', 'sport/tennis')).toBe(true)
  })

  test('lets "+" stand for exactly one level, an empty one too [MQTT-4.7.1-3]', () => {
    expect(matches('sport/tennis/+', 'sport/tennis/player1')).toBe(true)
    expect(matches('sport/tennis/+', 'sport/tennis/player1/ranking')).toBe(false)
    expect(matches('sport/+', 'sport')).toBe(false)
    expect(matches('sport/+', 'sport/')).toBe(true)
    expect(matches('+/+', '/finance')).toBe(true)
    expect(matches('/+', '/finance')).toBe(true)
    expect(matches('+', '/finance')).toBe(false)
  })

  test('keeps "$SYS" away from a leading wildcard and from it only [MQTT-4.7.2-1]', () => {
    expect(matches('#', '$SYS/monitor/Clients')).toBe(false)
    expect(matches('+/monitor/Clients', '$SYS/monitor/Clients')).toBe(false)
    expect(matches('$SYS/#', '$SYS/monitor/Clients')).toBe(true)
    expect(matches('$SYS/monitor/+', '$SYS/monitor/Clients')).toBe(true)
    expect(matches('a/+', 'a/$SYS')).toBe(true)
  })

  test('compares characters as they are: case, spaces and the leading "/" count [MQTT-4.7.3-4]', () => {
    expect(matches('ACCOUNTS', 'Accounts')).toBe(false)
    expect(matches('finance', '/finance')).toBe(false)
    expect(matches('a b', 'a b')).toBe(true)
    expect(matches('a/b', 'a/b/c')).toBe(false)
    expect(matches('a/b/c', 'a/b')).toBe(false)
  })

  test('agrees with a naive matcher', () => {
    fc.assert(
      fc.property(filters, topics, (filter, topic) => {
        expect(matches(filter, topic)).toBe(naiveMatches(filter, topic))
      }),
      { numRuns: runs(2000) },
    )
  })
})
