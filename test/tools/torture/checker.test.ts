import { expect, test } from 'vitest'
import { check, checkRetained, type Published, type RetainedFound } from './checker.ts'
import { Faults } from './faults.ts'
import { effectiveQos, payloadOf, type Plan, readPayload } from './plan.ts'

// Sequences 0, 2, 4 go to t/a and 1, 3, 5 to t/b.
const PLAN: Plan = {
  publishers: [
    { id: 'one', qos: 1, isRetained: true, topics: ['t/a', 't/b'], maxPaddingBytes: 9 },
    { id: 'two', qos: 2, isRetained: false, topics: ['t/a', 't/b'], maxPaddingBytes: 9 },
  ],
  subscribers: [{ clientId: 'all', filters: [['t/#', 2]], habit: 'steady' }],
}

function verdictOn(one: readonly number[], two: readonly number[], unacknowledged: readonly number[] = []) {
  const published: Published[] = [
    { id: 'one', sent: 6, unacknowledged },
    { id: 'two', sent: 6, unacknowledged },
  ]
  const { faults, due, repeated } = check(PLAN, published, [{ clientId: 'all', sequences: { one, two } }])
  return {
    kinds: Object.fromEntries(Object.entries(faults.byKind).map(([kind, { count }]) => [kind, count])),
    due,
    repeated,
  }
}

function retainedFaults(found: readonly RetainedFound[], unacknowledged: readonly number[] = []): string[] {
  const faults = new Faults()
  checkRetained(PLAN, [{ id: 'one', sent: 6, unacknowledged }], found, faults)
  return Object.keys(faults.byKind)
}

const ALL = [0, 1, 2, 3, 4, 5]

test('check accepts all messages in order, repeated ones at QoS 1, and topics that overtake each other', () => {
  expect(verdictOn(ALL, ALL)).toEqual({ kinds: {}, due: 12, repeated: 0 })
  expect(verdictOn([0, 1, 2, 1, 2, 3, 4, 5, 5], ALL)).toEqual({ kinds: {}, due: 12, repeated: 3 })
  expect(verdictOn([1, 3, 0, 2, 5, 4], ALL)).toEqual({ kinds: {}, due: 12, repeated: 0 })
})

test('check finds what is missing, and accepts its lack only while it is not acknowledged', () => {
  expect(verdictOn([0, 1, 2, 3, 4], [1, 2, 3, 4, 5])).toEqual({ kinds: { missing: 2 }, due: 12, repeated: 0 })
  expect(verdictOn([0, 1, 2, 3, 4], [0, 1, 2, 3, 4], [5])).toEqual({ kinds: {}, due: 10, repeated: 0 })
})

test('check finds what came twice at QoS 2, also when it was never acknowledged', () => {
  expect(verdictOn(ALL, [0, 1, 2, 2, 3, 4, 5]).kinds).toEqual({ doubled: 1 })
  expect(verdictOn(ALL, [0, 1, 2, 3, 4, 5, 5], [5]).kinds).toEqual({ doubled: 1 })
})

test('check finds first arrivals out of the order of sending [MQTT-4.6.0-6]', () => {
  expect(verdictOn([0, 1, 4, 3, 2, 5], ALL).kinds).toEqual({ 'out of order': 1 })
})

test('check finds what nobody sent, nobody asked for, or nobody reports', () => {
  expect(verdictOn([...ALL, 6], ALL).kinds).toEqual({ stray: 1 })
  const narrow: Plan = { ...PLAN, subscribers: [{ clientId: 'all', filters: [['t/a', 1]], habit: 'steady' }] }
  const published = [{ id: 'one', sent: 2, unacknowledged: [] }]
  const { faults } = check(narrow, published, [{ clientId: 'all', sequences: { one: [0, 1] } }])
  expect(faults.countOf('stray')).toBe(1)
  expect(faults.byKind['no report']).toEqual({ count: 1, example: 'publisher two' })
})

test('checkRetained wants the last acknowledged message of each topic, or a later one', () => {
  const a = { topic: 't/a', sequence: 4 }
  const b = { topic: 't/b', sequence: 5 }
  expect(retainedFaults([a, b])).toEqual([])
  expect(retainedFaults([a, { topic: 't/b', sequence: 3 }])).toEqual(['retained too old'])
  expect(retainedFaults([a, { topic: 't/b', sequence: 3 }], [5])).toEqual([])
  expect(retainedFaults([a])).toEqual(['retained too old'])
  expect(retainedFaults([a, b, b])).toEqual(['retained twice'])
  expect(retainedFaults([a, b, { topic: 'u', sequence: 1 }])).toEqual(['retained by nobody'])
})

test('readPayload knows a payload only as it was sent, on its topic', () => {
  const [plan] = PLAN.publishers
  if (plan === undefined) throw new Error('the plan has a publisher')
  const payload = payloadOf(plan, 4)
  expect(readPayload('t/a', payload)).toEqual({ publisher: 'one', sequence: 4 })
  expect(readPayload('t/b', payload)).toBe(undefined)
  expect(readPayload('t/a', payload.replace('4', '5'))).toBe(undefined)
  expect(readPayload('t/a', payload.slice(0, -1))).toBe(undefined)
})

test('effectiveQos is the highest that matches, but no higher than published', () => {
  const subscriber = {
    clientId: 'a',
    habit: 'steady',
    filters: [
      ['t/#', 1],
      ['t/+', 2],
      ['u/+/x', 0],
    ],
  } as const
  expect(effectiveQos(subscriber, 't/a', 2)).toBe(2)
  expect(effectiveQos(subscriber, 't/a', 1)).toBe(1)
  expect(effectiveQos(subscriber, 't/a/b', 2)).toBe(1)
  expect(effectiveQos(subscriber, 'u/v/x', 2)).toBe(0)
  expect(effectiveQos(subscriber, 'u/x', 2)).toBe(-1)
})
