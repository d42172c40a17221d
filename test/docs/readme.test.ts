import { describe, expect, test } from 'vitest'
import { readPage } from './pages.ts'

const readme = readPage('README.md')
const lines = readme.trimEnd().split('\n')

describe('README.md', () => {
  test('has at most 100 lines', () => {
    expect(lines.length).toBeLessThanOrEqual(100)
  })

  test('shows the commands, what one sees, and a picture within the first 40 lines', () => {
    const screen = lines.slice(0, 40)
    expect(screen).toContain('npm install && npm start')
    expect(screen).toContainEqual(expect.stringMatching(/^ {2}MQTT +mqtt:\/\/localhost:1883$/))
    expect(screen).toContainEqual(expect.stringMatching(/^!\[.+\]\(.+\)$/))
  })

  test('has no figure of speed that docs/benchmarks.md does not have', () => {
    const rows = lines.filter((line) => /^\| .*\d \|/.test(line) && line.endsWith(' × |'))
    expect(rows.length).toBeGreaterThan(5)
    const benchmarks = readPage('docs/benchmarks.md')
      .split('\n')
      .map((line) => line.split(' | '))
    for (const row of rows) {
      const [hub = '', mosquitto = '', ratio = ''] = row.slice(0, -2).split(' | ').slice(1)
      const source = benchmarks.find((cells) => cells.includes(hub) && cells.includes(mosquitto))
      expect([row, source]).toEqual([row, expect.arrayContaining([ratio])])
    }
  })
})
