import { describe, expect, test } from 'vitest'
import { completeConfig } from '../../src/config/complete.ts'
import { effectiveJson, effectiveText } from '../../src/config/effective.ts'
import { COMMANDS } from '../../src/cli/commands.ts'
import { commandText, helpOn, helpText, optionsTable, optionsText } from '../../src/cli/help.ts'
import { environmentName, flagName } from '../../src/config/option.ts'
import { OPTIONS } from '../../src/config/options.ts'
import { readText, ValueReader } from '../../src/config/read-value.ts'
import { formatValue } from '../../src/config/value-text.ts'
import { plainConfig } from '../support/plain-config.ts'

describe('OPTIONS', () => {
  test('has defaults that pass their own check and survive being written and read', () => {
    for (const option of OPTIONS) {
      const { key, schema } = option
      const reader = new ValueReader(key, 'a test')
      const value = reader.read(schema, option.default)
      const text = formatValue(schema, option.default)
      expect(reader.read(schema, readText(schema, text === '[]' ? '' : text))).toEqual(value)
      expect(reader.faults).toEqual([])
    }
  })

  test('has no key, flag or variable twice and a summary that is a sentence', () => {
    for (const name of [String, flagName, environmentName]) {
      expect(new Set(OPTIONS.map((option) => name(option.key))).size).toBe(OPTIONS.length)
    }
    for (const { summary } of OPTIONS) expect(summary).toMatch(/^[A-Z].*\.$/)
  })
})

describe('helpText', () => {
  test('shows the everyday flags with their defaults, and where the others are', () => {
    const text = helpText()
    for (const flag of [
      '--host',
      '--port',
      '--http-port',
      '--config',
      '--data',
      '--log-level',
      '--allow-anonymous',
      '--help',
      '--version',
    ]) {
      expect(text).toMatch(new RegExp(`^  (-h, )?${flag}\\b`, 'm'))
    }
    expect(text).toContain('(default 1883)')
    expect(text).toContain('help options')
    expect(text).not.toContain('--limits-')
  })

  test('lists every command with what it does', () => {
    const text = helpText().replaceAll(/\s+/g, ' ')
    for (const { name, operand, summary } of COMMANDS) {
      expect(text).toContain(` ${name}${operand === undefined ? '' : ` ${operand}`} ${summary} `)
    }
  })

  test('fits a terminal of 80 columns, but for the examples', () => {
    const [beforeExamples = ''] = helpText().split('Examples:')
    const texts = [beforeExamples, optionsText(), ...COMMANDS.map((command) => commandText(command))]
    for (const line of texts.flatMap((text) => text.split('\n'))) {
      if (line.includes(' ')) expect(line.length).toBeLessThanOrEqual(line.startsWith('  --') ? 110 : 80)
    }
  })
})

describe('helpOn', () => {
  test.each(COMMANDS.map((command) => [command.name, command] as const))(
    'explains "%s" and each of its flags',
    (name, command) => {
      const text = helpOn(name.split(' '))
      expect(text).toBe(commandText(command))
      expect(text.replaceAll(/\s+/g, ' ')).toContain(command.summary)
      for (const { name: flag, value, summary } of command.flags ?? []) {
        const names = `--${flag}${value === undefined ? '' : ` ${value}`}`
        expect(text.replaceAll(/\s+/g, ' ')).toContain(` ${names} ${summary} `)
      }
    },
  )

  test('explains all when it knows nothing of the words', () => {
    expect(helpOn([])).toBe(helpText())
    expect(helpOn(['bananas'])).toBe(helpText())
    expect(helpOn(['options'])).toBe(optionsText())
  })
})

test('optionsText and optionsTable explain every option', () => {
  const text = optionsText().replaceAll(/\s+/g, ' ')
  const rows = optionsTable().split('\n')
  for (const option of OPTIONS) {
    expect(text).toContain(`--${flagName(option.key)}, ${environmentName(option.key)} ${option.summary} Allowed: `)
    const row = rows.find((line) => line.startsWith(`| \`${option.key}\` |`))
    expect(row).toContain(` | ${option.summary} | ${option.needsRestart ? 'yes' : 'no'} |`)
  }
  expect(rows.slice(0, 2)).toEqual([
    '| Option | Default | Allowed | What it is for | Restart |',
    '| --- | --- | --- | --- | --- |',
  ])
  expect(rows.find((line) => line.includes('maxPacketBytes'))).toContain(
    '| `16 MiB` | a whole number from 128 to 268435455 |',
  )
})

describe('the effective configuration', () => {
  const config = completeConfig({
    port: 7,
    limits: { maxConnections: null, maxQueuedBytes: 1500 },
    websocket: { origins: ['http://a', 'http://b'] },
  })
  const origins = new Map(OPTIONS.map((option) => [option.key, option.key === 'port' ? '--port' : 'default']))

  test('effectiveText has a line for each option, in columns', () => {
    const lines = effectiveText({ config, origins }).trimEnd().split('\n')
    expect(lines.map((line) => line.split(' ')[0])).toEqual(OPTIONS.map((option) => option.key))
    expect(lines[1]).toMatch(/^port {32}7 +--port$/)
    expect(new Set(lines.map((line) => line.search(/(default|--port)$/))).size).toBe(1)
    const text = lines.join('\n')
    expect(text).toMatch(/^limits\.maxConnections +null +default$/m)
    expect(text).toMatch(/^limits\.maxQueuedBytes +1500 +default$/m)
    expect(text).toMatch(/^websocket\.origins +http:\/\/a, http:\/\/b +default$/m)
  })

  test('effectiveJson has the configuration in the form of a file', () => {
    const { config: printed, origins: from } = JSON.parse(effectiveJson({ config, origins }))
    expect(plainConfig(completeConfig(printed))).toEqual(plainConfig(config))
    expect(printed.limits.maxConnections).toBe(null)
    expect(from.port).toBe('--port')
  })
})
