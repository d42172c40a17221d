import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { filterMatches } from '../../src/protocol/topic.ts'
import { LevelFilter } from '../../src/topics/level-filter.ts'
import { filters, topics } from '../router/naive-match.ts'
import { runs } from '../support/runs.ts'

test('LevelFilter agrees with filterMatches, wherever the name lies [MQTT-4.7.1-2] [MQTT-4.7.1-3] [MQTT-4.7.2-1]', () => {
  fc.assert(
    fc.property(filters, topics, (filter, topic) => {
      const bytes = Buffer.from(`a/${topic}/b`)
      const matches = new LevelFilter(filter).matches(bytes, 2, bytes.length - 2)
      expect(matches).toBe(filterMatches(filter.split('/'), topic.split('/')))
    }),
    { numRuns: runs(5000) },
  )
})
