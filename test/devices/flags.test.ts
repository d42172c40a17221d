import { describe, expect, test } from 'vitest'
import { FlagsInvalid, HELP, readFlags } from '../../devices/flags.ts'

describe('Flags of the devices', () => {
  test('have defaults that fit a hub that was started with none', () => {
    const { scenario, url, webSocketUrl, seconds } = readFlags([])
    expect([scenario, url.href, webSocketUrl?.href, seconds]).toEqual([
      'home',
      'mqtt://127.0.0.1:1883',
      'ws://127.0.0.1:8080/mqtt',
      undefined,
    ])
    expect(readFlags(['--url', 'mqtt://broker']).webSocketUrl).toBeUndefined()
  })

  test.each([
    [['--url', 'http://a'], 'Cannot use --url: it must be one of mqtt://host:port, '],
    [['--url', 'broker'], 'it is "broker"'],
    [['--speed', '0'], 'Cannot use --speed: it must be a number from 0.01 to 3600, it is "0"'],
    [['--seconds', ''], 'Cannot use --seconds'],
    [['--seed', '1.5'], 'a whole number from 0 to 4294967295, it is "1.5"'],
    [['--scenarios', 'home'], "Unknown option '--scenarios'"],
    [['home'], 'home'],
  ])('%j is refused with what is wrong', (argv, message) => {
    expect(() => readFlags(argv)).toThrow(FlagsInvalid)
    expect(() => readFlags(argv)).toThrow(message)
  })

  test('are all in the help', () => {
    const flags = [
      'scenario',
      'url',
      'ws-url',
      'seconds',
      'speed',
      'seed',
      'home-assistant',
      'audit',
      'list',
      'json',
      'help',
    ]
    expect([...HELP.matchAll(/^ {2}--([\w-]+)/gm)].map(([, flag]) => flag)).toEqual(flags)
  })
})
