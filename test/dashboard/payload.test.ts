import { expect, test } from 'vitest'
import { membersOf } from '../../dashboard/app/details/samples.ts'
import { readAnnouncement } from '../../dashboard/worker/announcement.ts'
import { glance, look } from '../../dashboard/worker/payload.ts'
import { listed } from '../../dashboard/worker/properties.ts'
import { startOf, visible } from '../../dashboard/worker/visible.ts'

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)
const isCut = (payload: string | Uint8Array): boolean =>
  glance(typeof payload === 'string' ? bytesOf(payload) : payload, 'x').isCut
const textOf = (payload: string): string[] => look(bytesOf(payload), 'text').rows.map(({ text }) => text)

test('visible has a sign for what cannot be seen, and leaves whole letters, joiners, tabs and line breaks as they are', () => {
  expect(visible('\u0000\u001b\u007f\u0085\u202e\u061c\ufeff\ud800')).toBe('␀␛⟨007F⟩⟨0085⟩⟨202E⟩⟨061C⟩⟨FEFF⟩⟨D800⟩')
  const seen = 'Привет 👩‍👩‍👧 می‌خواهم\t\r\n'
  expect(visible(seen)).toBe(seen)
})

test('startOf never cuts a letter in two', () => {
  expect(startOf('a🎉b', 2)).toBe('a')
  expect(startOf('a🎉b', 3)).toBe('a🎉')
  expect(startOf('ab', 2)).toBe('ab')
})

test('The text of a payload is cut into rows without a letter in two, and with every line', () => {
  expect(textOf(`a${'🎉'.repeat(400)}`).join('')).toBe(`a${'🎉'.repeat(400)}`)
  expect(textOf('a\n\nb\n')).toEqual(['a', '', 'b'])
  expect(textOf('\n')).toEqual([''])
})

test('A payload at a glance shows something also of nothing but spaces', () => {
  expect(glance(bytesOf(' \r\n\t'), 'x').preview).toBe('␠␍␊␉')
  expect(glance(bytesOf(`${'a'.repeat(279)}🎉`), 'x').preview).toBe('a'.repeat(279))
})

test('A payload at a glance says whether there is more than it shows', () => {
  expect(['', 'a'.repeat(280), ' \n', new Uint8Array(48).fill(255)].map(isCut)).toEqual([false, false, false, false])
  expect(['a'.repeat(281), 'ж'.repeat(400), ' '.repeat(41), new Uint8Array(49).fill(255)].map(isCut)).toEqual([
    true,
    true,
    true,
    true,
  ])
})

test('Rows that go on in the line of the one before say so', () => {
  const rows = look(bytesOf(`${'x'.repeat(900)}\nb`), 'text').rows
  expect(rows.map(({ text, isContinued }) => [text.length, isContinued])).toEqual([
    [400, false],
    [400, true],
    [100, true],
    [1, false],
  ])
})

test('membersOf keeps the digits of numbers also within members, and names that objects inherit', () => {
  const members = membersOf('{"a":[1.10,{"b":1e400}],"__proto__":12345678901234567890,"s":"1.10{","e":{},"f":[[],"x"]}')
  expect(members.map(({ name, text }) => [name, text])).toEqual([
    ['a', '[1.10,{"b":1e400}]'],
    ['__proto__', '12345678901234567890'],
    ['s', '1.10{'],
    ['e', '{}'],
    ['f', '[[],"x"]'],
  ])
  expect(membersOf('{"digits":"5"}').map(({ text }) => text)).toEqual(['5'])
})

test('An announcement is read up to a size, and counts what is left out', () => {
  const many = Object.fromEntries(Array.from({ length: 1500 }, (_, index) => [`x${index}`, { type: 'number' }]))
  const commands = { ...many, first: { parameters: { properties: many } } }
  const read = readAnnouncement(JSON.stringify({ name: 'n'.repeat(1000), commands }))
  expect(read.name?.length).toBe(301)
  expect([read.commands.length, read.omittedCommands]).toEqual([1000, 501])
  const [command] = readAnnouncement(JSON.stringify({ commands: { set: { properties: many } } })).commands
  expect([command?.fields.length, command?.omittedFields]).toEqual([200, 1300])
})

test('A field of more choices than one can look through is written as JSON', () => {
  const [few, many] = [100, 101].map((length) => ({ enum: Array.from({ length }, (_, index) => index) }))
  const commands = { set: { properties: { few, many } } }
  const [command] = readAnnouncement(JSON.stringify({ commands })).commands
  expect(command?.fields.map(({ type }) => type)).toEqual(['choice', 'json'])
})

test('Properties are listed up to a number and a length', () => {
  const many = Array.from({ length: 600 }, () => ['n', 'v'] as const)
  expect(listed(many)).toMatchObject({ properties: { length: 500 }, omittedProperties: 100 })
  const long = Array.from({ length: 20 }, () => ['n', 'v'.repeat(60_000)] as const)
  expect(listed(long)).toMatchObject({ properties: { length: 8 }, omittedProperties: 12 })
})
