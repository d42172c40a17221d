import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { PacketIdMap } from '../../src/store/packet-id-map.ts'
import { runs } from '../support/runs.ts'

// All, and a few so that most are put again and again.
const packetIds = fc.oneof(fc.integer({ min: 1, max: 65_535 }), fc.integer({ min: 1, max: 40 }))
const changes = fc.array(fc.tuple(fc.boolean(), packetIds), { size: 'large', maxLength: 1000 })

test('holds what a Map holds, in its order, whatever comes and goes', () => {
  const check = fc.property(changes, (all) => {
    const map = new PacketIdMap<number>()
    const model = new Map<number, number>()
    let faults = 0
    for (const [step, [isPut, packetId]] of all.entries()) {
      if (isPut) map.set(packetId, step)
      else map.delete(packetId)
      if (isPut) model.set(packetId, step)
      else model.delete(packetId)
      if (map.size !== model.size || map.get(packetId) !== model.get(packetId)) faults++
    }
    for (let packetId = 0; packetId <= 65_535; packetId++) if (map.has(packetId) !== model.has(packetId)) faults++
    expect(faults).toBe(0)
    expect([...map]).toEqual([...model])
    expect([...map.keys()]).toEqual([...model.keys()])
  })
  fc.assert(check, { numRuns: runs(50) })
})

test('holds all 65,535 packet identifiers at once, and is as good as new when they are gone', () => {
  const map = new PacketIdMap<number>()
  for (let packetId = 65_535; packetId > 0; packetId--) map.set(packetId, packetId)
  expect(map.size).toBe(65_535)
  expect([...map.keys()].slice(0, 2)).toEqual([65_535, 65_534])
  for (let packetId = 1; packetId <= 65_535; packetId++) map.delete(packetId)
  expect(map.size).toBe(0)
  expect(map.has(1)).toBe(false)
  map.set(9, 1)
  expect([...map]).toEqual([[9, 1]])
})

test('a walk gives what was there when it began', () => {
  const map = new PacketIdMap<string>()
  map.set(1, 'a')
  map.set(2, 'b')
  const seen = []
  for (const [packetId] of map) {
    map.delete(2)
    map.set(3, 'c')
    seen.push(packetId)
  }
  expect(seen).toEqual([1, 2])
})
