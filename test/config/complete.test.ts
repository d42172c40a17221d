import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { completeConfig } from '../../src/config/complete.ts'
import type { PartialConfig } from '../../src/config/config.ts'
import { OPTIONS } from '../../src/config/options.ts'
import { HubbubError } from '../../src/base/errors.ts'
import { runs } from '../support/runs.ts'

/** What a JavaScript program may hand in, whatever the types say. */
function completeAnything(value: unknown): unknown {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- programs without types call it too
  return completeConfig(value as PartialConfig)
}

describe('completeConfig', () => {
  test('fills in defaults and keeps what was given', () => {
    const config = completeConfig({
      port: 0,
      httpPort: undefined,
      limits: { maxConnections: null, maxPacketBytes: '2 MiB' },
    })
    expect(config).toMatchObject({ port: 0, httpPort: 8080, host: 'localhost' })
    expect(config.limits).toMatchObject({ maxConnections: Infinity, maxPacketBytes: 2_097_152, maxTopicLevels: 200 })
  })

  test('takes a complete configuration as it is', () => {
    const config = completeConfig({ websocket: { pingSeconds: null }, limits: { maxQueuedBytes: null } })
    expect(completeConfig(config)).toEqual(config)
  })

  test('names createHub as the place of a mistake', () => {
    expect(() => completeConfig({ port: 70_000 })).toThrow(
      new HubbubError(
        'CONFIG_INVALID',
        'Cannot use createHub: port must be a whole number from 0 to 65535, it is 70000',
      ),
    )
    expect(() => completeAnything({ prot: 1 })).toThrow(
      /^Cannot use createHub: there is no option "prot"; did you mean "port"\?$/,
    )
    expect(() => completeAnything('x')).toThrow(/^Cannot use createHub: a configuration is options by name/)
  })

  test('refuses to listen for strangers unless told to', () => {
    expect(() => completeConfig({ host: '0.0.0.0' })).toThrow(expect.objectContaining({ code: 'LISTENER_UNSAFE' }))
    expect(completeConfig({ host: '0.0.0.0', allowAnonymous: true }).host).toBe('0.0.0.0')
  })

  test('takes anything in any key and returns a configuration or throws CONFIG_INVALID that names the key', () => {
    const key = fc.constantFrom(...OPTIONS.map((option) => option.key))
    const value = fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withNullPrototype: true,
      withSparseArray: true,
    })
    fc.assert(
      fc.property(key, value, (path, anything) => {
        const [first = '', second] = path.split('.')
        try {
          completeAnything({ [first]: second === undefined ? anything : { [second]: anything } })
        } catch (error) {
          expect(error).toBeInstanceOf(HubbubError)
          expect(error).toMatchObject({ code: expect.stringMatching(/^(CONFIG_INVALID|LISTENER_UNSAFE)$/) })
          expect(String(error)).toContain(path)
        }
      }),
      { numRuns: runs(2000) },
    )
  })

  test('says of a value without a text what it is', () => {
    const cycle: Record<string, unknown> = {}
    cycle['self'] = cycle
    expect(() => completeAnything({ port: cycle })).toThrow(/it is of type object$/)
    expect(() => completeAnything({ port: () => 1 })).toThrow(/it is of type function$/)
    expect(() => completeAnything({ port: 10n })).toThrow(/it is 10$/)
  })
})
