import { expect, test } from 'vitest'
import { allRows, takesPart, type Row } from './rows.ts'

const rows = allRows(1)

function find(name: string): Row {
  const row = rows.find((one) => one.name === name)
  if (row === undefined) throw new Error(`there is no row "${name}"`)
  return row
}

/** Of the rows whose name contains this. */
function aims(part: string): Row['costAim'][] {
  return rows.filter(({ name }) => name.includes(part)).map(({ costAim }) => costAim)
}

test('allRows has no name twice, so that each can be chosen', () => {
  const names = rows.map((row) => row.name)
  expect(new Set(names).size).toBe(names.length)
})

test('allRows says what the processor time of a message should come down to', () => {
  expect(aims('QoS 0, 10 → 10, 1 KiB')).toEqual([{ kind: 'atMost', microseconds: 1 }])
  expect(aims('QoS 0, 10 → 10, 100 topics each')).toEqual([{ kind: 'atMost', microseconds: 0.45 }])
  expect(aims('20 in flight')).toEqual([3.5, 5].map((microseconds) => ({ kind: 'atMost', microseconds })))
  expect(aims('of kept sessions, 50 at a time')).toEqual([{ kind: 'atMost', microseconds: 300 }])
})

test('takesPart keeps an aged hub to rows in memory that leave nothing behind', () => {
  const names = rows.filter((row) => takesPart(row, 'aged')).map((row) => row.name)
  expect(names).toContain('QoS 2, 10 → 10, 64 B')
  expect(names).toContain('MQTT 5, QoS 0, 10 → 10, 64 B')
  expect(names).toContain('p99 latency at 5,000 msg/s, QoS 1')
  expect(names).toContain('CONNECT + SUBSCRIBE, 50 at a time')
  expect(names.filter((name) => /idle|retained|on disk/u.test(name))).toEqual([])
})

test('takesPart keeps the limit to what it can do: MQTT 3.1.1 at QoS 0 and 1, in memory', () => {
  expect(takesPart(find('QoS 1, 10 → 10, 64 B'), 'limit')).toBe(true)
  expect(takesPart(find('QoS 0, 10 → 1, 1,000,000 topics at random, 64 B'), 'limit')).toBe(true)
  expect(takesPart(find('QoS 2, 10 → 10, 64 B'), 'limit')).toBe(false)
  expect(takesPart(find('MQTT 5, QoS 0, 10 → 10, 64 B'), 'limit')).toBe(false)
  expect(takesPart(find('QoS 1, 10 → 10 kept sessions, 64 B, on disk'), 'limit')).toBe(false)
  expect(takesPart(find('memory of each of 1 idle connections'), 'limit')).toBe(false)
})

test('takesPart keeps NATS from what it has not, and from subscriptions that it does not get done', () => {
  expect(takesPart(find('QoS 1, 10 → 10, 64 B'), 'nats')).toBe(true)
  expect(takesPart(find('QoS 2, 10 → 10, 64 B'), 'nats')).toBe(false)
  expect(takesPart(find('MQTT 5, QoS 0, 10 → 10, 64 B'), 'nats')).toBe(false)
  expect(takesPart(find('a subscription more of one client, 20 in a SUBSCRIBE'), 'nats')).toBe(false)
})

test('takesPart keeps TLS to the hub and Mosquitto', () => {
  const row = find('QoS 0 over TLS, 10 → 10, 64 B')
  expect(
    (['hub', 'mosquitto', 'aedes', 'nats', 'limit', 'aged'] as const).filter((name) => takesPart(row, name)),
  ).toEqual(['hub', 'mosquitto'])
})
