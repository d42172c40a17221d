import { describe, expect, test } from 'vitest'
import {
  connectPacket,
  KEPT_SESSION,
  publishPacket,
  publishProperties,
  subscribePacket,
  subscribeToAllPacket,
} from './packets.ts'

const payload = Buffer.from('pp')

describe('connectPacket', () => {
  test('asks MQTT 3.1.1 for a session that is kept', () => {
    expect(hex(connectPacket('c', KEPT_SESSION))).toBe('100d 0004 4d515454 04 00 0000 0001 63'.replaceAll(' ', ''))
  })

  test('gives MQTT 5 the Receive Maximum [MQTT-3.1.2.11.3]', () => {
    const packet = connectPacket('c', { version: 5, receiveMaximum: 100 })
    expect(hex(packet)).toBe('1011 0004 4d515454 05 02 0000 03 210064 0001 63'.replaceAll(' ', ''))
  })
})

test('subscribePacket has a property length at MQTT 5 only', () => {
  expect(hex(subscribePacket(1, 'a/#', 1))).toBe('820800010003612f2301')
  expect(hex(subscribePacket(1, 'a/#', 1, 5))).toBe('82090001000003612f2301')
})

test('subscribeToAllPacket has a QoS behind each filter', () => {
  expect(hex(subscribeToAllPacket(258, ['a/#', 'b'], 1))).toBe(
    '820c 0102 0003 612f23 01 0001 62 01'.replaceAll(' ', ''),
  )
})

describe('publishPacket', () => {
  const head = { topic: 'a', qos: 1, packetId: 258 } as const

  test('has nothing between packet identifier and payload at MQTT 3.1.1', () => {
    const properties = publishProperties(4, 2)
    expect(hex(publishPacket({ ...head, properties }, payload))).toBe('3207 000161 0102 7070'.replaceAll(' ', ''))
  })

  test('has a property length of 0 at MQTT 5 without properties', () => {
    const properties = publishProperties(5, 0)
    expect(hex(publishPacket({ ...head, properties }, payload))).toBe('3208 000161 0102 00 7070'.replaceAll(' ', ''))
  })

  test('carries user properties in order, and is longer than one digit of its length can say', () => {
    const properties = publishProperties(5, 2)
    expect(hex(properties)).toBe(`22${userPropertyHex(0)}${userPropertyHex(1)}`)
    const packet = publishPacket({ ...head, qos: 0, properties }, Buffer.alloc(100))
    expect(hex(packet.subarray(0, 6))).toBe('308a01000161')
    expect(packet.length).toBe(3 + 0x8a)
  })
})

function hex(bytes: Buffer): string {
  return bytes.toString('hex')
}

function hexOf(text: string): string {
  return hex(Buffer.from(text))
}

function userPropertyHex(number: number): string {
  return `260005${hexOf(`key-${number}`)}0007${hexOf(`value-${number}`)}`
}
