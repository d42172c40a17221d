import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { createLog, type LogOptions } from '../../src/base/log.ts'

/** A log whose lines are kept. */
function collect(options: Omit<LogOptions, 'destination'>): { log: ReturnType<typeof createLog>; lines: string[] } {
  const lines: string[] = []
  const destination = { write: (line: string): number => lines.push(line) }
  return { log: createLog({ ...options, destination }), lines }
}

// What clears a screen, sets a title, rewrites a line, turns writing around, in both spellings of the escape.
const HOSTILE = '\u001b[2J\u009b2J\u001b]0;title\u0007\r\n\rfake\b\u007f\u202eevil\u2066\u2028\u0000\\u001b[2J'
const INVISIBLE = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/ // oxlint-disable-line no-control-regex -- they are what must not be there
const COLOURS = /\u001b\[\d+m/g // oxlint-disable-line no-control-regex -- what colours a line

describe('createLog for machines', () => {
  test('writes one JSON object a line, with level, time, fields and text', () => {
    const { log, lines } = collect({ level: 'info', isPretty: false })
    log.info({ clientId: 'a', reason: 'b' }, 'connection closed')
    expect(lines).toHaveLength(1)
    expect(JSON.parse(lines[0] ?? '')).toEqual({
      level: 30,
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      clientId: 'a',
      reason: 'b',
      msg: 'connection closed',
    })
    expect(lines[0]).toMatch(/\}\n$/)
  })

  test('writes an error with its stack', () => {
    const { log, lines } = collect({ level: 'info', isPretty: false })
    log.error({ err: new Error('broken') }, 'it failed')
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      err: { message: 'broken', stack: expect.stringContaining('log.test.ts') },
    })
  })

  test('cuts fields that are as long as a client may make them, and says how long they were', () => {
    const { log, lines } = collect({ level: 'info', isPretty: false })
    log.warn({ clientId: 'x'.repeat(65_535), topic: 'x'.repeat(512), bytes: 7 }, 'dropping')
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      clientId: `${'x'.repeat(512)}… (65535 characters)`,
      topic: 'x'.repeat(512),
      bytes: 7,
    })
  })

  test('leaves out lines of one kind that come too often, tells how many, and no other kind', () => {
    vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    const { log, lines } = collect({ level: 'debug', isPretty: false })
    for (let i = 0; i < 50_000; i++) log.info({ clientId: `${i}` }, 'client connected')
    for (let i = 0; i < 2000; i++) log.debug({ i }, 'for who wants all')
    log.error({}, 'the store cannot write')
    const texts = (): unknown[] => lines.map((line) => Reflect.get(Object(JSON.parse(line)), 'msg'))
    expect(texts().filter((text) => text === 'client connected')).toHaveLength(1000)
    expect(texts().filter((text) => text === 'for who wants all')).toHaveLength(2000)
    expect(texts().at(-1)).toBe('the store cannot write')
    vi.advanceTimersByTime(10_000)
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({
      level: 40,
      text: 'client connected',
      leftOut: 49_000,
      msg: 'lines of one kind were left out of the log',
    })
    log.info({}, 'client connected')
    expect(texts().at(-1)).toBe('client connected')
  })

  test('escapes what a terminal obeys and changes nothing else', () => {
    const { log, lines } = collect({ level: 'info', isPretty: false })
    log.warn({ clientId: HOSTILE, [HOSTILE]: 'é😀Привет' }, `dropping ${HOSTILE}`)
    expect(lines[0]?.slice(0, -1)).not.toMatch(INVISIBLE)
    expect(lines[0]?.slice(0, -1)).not.toContain('\n')
    expect(lines[0]).toContain('é😀Привет')
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      clientId: HOSTILE,
      [HOSTILE]: 'é😀Привет',
      msg: `dropping ${HOSTILE}`,
    })
  })
})

describe('createLog for people', () => {
  test('writes a coloured line with time, level, text and fields', () => {
    const { log, lines } = collect({ level: 'info', isPretty: true })
    log.info({ clientId: 'kitchen' }, 'client connected')
    expect(lines.join('')).toMatch(COLOURS)
    expect(lines.join('').replaceAll(COLOURS, '')).toMatch(
      /^\[\d\d:\d\d:\d\d\] INFO: client connected \{"clientId":"kitchen"\}\n$/,
    )
  })

  test('writes the stack of an error on lines of its own', () => {
    const { log, lines } = collect({ level: 'info', isPretty: true })
    log.error({ err: new Error('broken') }, 'it failed')
    expect(lines.join('')).toMatch(/broken\n +at .*log\.test\.ts/)
  })

  test('escapes what a terminal obeys, in fields, names, texts and errors', () => {
    const { log, lines } = collect({ level: 'info', isPretty: true })
    log.info({ clientId: HOSTILE, nested: { list: [HOSTILE] }, [HOSTILE]: 1 }, 'client connected')
    log.error({ err: new Error(`bad ${HOSTILE}`) }, 'it failed')
    log.warn({}, `text ${HOSTILE}`)
    const text = lines.join('').replaceAll(COLOURS, '')
    expect(text).not.toMatch(INVISIBLE)
    expect(text).toContain('"clientId":"\\u001b[2J\\u009b2J')
  })

  test('shows what it escapes instead of leaving it out', () => {
    const { log, lines } = collect({ level: 'info', isPretty: true })
    log.info({}, 'a\rb\bc\fd\u0007e\u009bf')
    expect(lines.join('')).toContain('a\\rb\\bc\\fd\\u0007e\\u009bf')
  })

  test('keeps what a client sent on the line of its event', () => {
    const { log, lines } = collect({ level: 'info', isPretty: true })
    log.info({ clientId: 'a\n[12:00:00] INFO: forged' }, 'client connected')
    expect(lines.join('').trimEnd().split('\n')).toHaveLength(1)
  })
})

test.each([
  ['debug', ['debug', 'info', 'warn', 'error']],
  ['info', ['info', 'warn', 'error']],
  ['warn', ['warn', 'error']],
  ['error', ['error']],
  ['fatal', []],
  ['silent', []],
] as const)('createLog at level %s writes %j', (level, expected) => {
  const { log, lines } = collect({ level, isPretty: false })
  for (const method of ['debug', 'info', 'warn', 'error'] as const) log[method]({}, method)
  expect(lines.map((line) => JSON.parse(line).msg)).toEqual(expected)
})
