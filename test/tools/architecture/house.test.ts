import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { FLOORS } from './architecture.ts'

const SRC = new URL('../../../src/', import.meta.url)
const page = readFileSync(new URL('README.md', SRC), 'utf8')

describe('src/README.md', () => {
  test('shows the floors that the architecture test keeps', () => {
    const [, floors = ''] = /<!-- floors -->\s*```text\n([^]*?)\n```/.exec(page) ?? []
    expect(floors.split('\n')).toEqual(FLOORS.map((rooms) => rooms.join('  ')))
  })

  test('says of every room what it is for, and whether it is still to come', () => {
    const rows = [...page.matchAll(/^\| `([\w-]+)(?:\/|\.ts)` \| (.*) \|$/gm)].map(([, room = '', text = '']) => ({
      room,
      isToCome: text.startsWith('*To come.*'),
    }))
    expect(rows.map(({ room }) => room).toSorted()).toEqual(FLOORS.flat().toSorted())
    for (const { room, isToCome } of rows) {
      const isThere = existsSync(new URL(room, SRC)) || existsSync(new URL(`${room}.ts`, SRC))
      expect(`${room} ${isThere}`).toBe(`${room} ${!isToCome}`)
    }
  })

  test('names only files that exist', () => {
    const files = [...page.matchAll(/`([\w./-]+\.ts)`/g)].map(([, file = '']) => file)
    expect(files.length).toBeGreaterThan(20)
    expect(files.filter((file) => !existsSync(new URL(file.startsWith('test/') ? `../${file}` : file, SRC)))).toEqual(
      [],
    )
  })
})
