import { describe, expect, test } from 'vitest'
import { HubbubError } from '../../src/base/errors.ts'
import { chooseCommand, readCommandLine } from '../../src/cli/command-line.ts'
import { COMMANDS, GENERAL_FLAGS } from '../../src/cli/commands.ts'
import { flagName } from '../../src/config/option.ts'
import { OPTIONS } from '../../src/config/options.ts'

/** The command, what it is about and its flags; or what is wrong. */
function choose(...argv: readonly string[]): unknown {
  const line = readCommandLine(argv)
  try {
    const { command, operand } = chooseCommand(line)
    return [command.name, operand, Object.fromEntries(line.flags)]
  } catch (error) {
    if (error instanceof HubbubError) return `${error.code} ${error.message}`
    throw error
  }
}

describe('COMMANDS', () => {
  test('has no name twice, and no flag that means two things', () => {
    const names = COMMANDS.map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
    const options = new Set(OPTIONS.map(({ key }) => flagName(key)))
    const valueByFlag = new Map<string, boolean>()
    for (const { name, value } of [...GENERAL_FLAGS, ...COMMANDS.flatMap(({ flags = [] }) => flags)]) {
      expect([name, options.has(name)]).toEqual([name, false])
      expect([name, value !== undefined]).toEqual([name, valueByFlag.get(name) ?? value !== undefined])
      valueByFlag.set(name, value !== undefined)
    }
  })

  test('says of each command and flag what it does, in a sentence', () => {
    for (const { summary, flags = [] } of COMMANDS) {
      for (const sentence of [summary, ...flags.map((flag) => flag.summary)]) expect(sentence).toMatch(/^[A-Z].*\.$/)
    }
  })
})

describe('chooseCommand', () => {
  test('is "start" without a command', () => {
    expect(choose()).toEqual(['start', '', {}])
    expect(choose('--port', '1')).toEqual(['start', '', {}])
  })

  test.each(COMMANDS.map((command) => [command.name, command] as const))(
    'takes "%s" with what belongs to it, in any order',
    (name, { operand, flags = [] }) => {
      const words = [...name.split(' '), ...(operand === undefined ? [] : ['x'])]
      const typed = flags.map((flag) => (flag.value === undefined ? `--${flag.name}` : `--${flag.name}=y`))
      const values = Object.fromEntries(flags.map((flag) => [flag.name, flag.value === undefined ? '' : 'y']))
      const expected = [name, operand === undefined ? '' : 'x', values]
      expect(choose(...words, ...typed)).toEqual(expected)
      expect(choose(...typed, ...words)).toEqual(expected)
    },
  )

  test.each([
    [['strat'], '"strat": there is no such command; did you mean "start"?'],
    [['hepl'], '"hepl": there is no such command; did you mean "help"?'],
    [['bananas'], '"bananas": there is no such command'],
    [['history', 'exprot'], '"history exprot": there is no such command; did you mean "history export"?'],
    [['history'], '"history": there is no such command'],
    [['backup'], '"backup" without a file: name it, as in "hubbub backup FILE"'],
    [['history', 'import', 'a', 'b'], '"history import" with "b": it takes one file'],
    [['inspect', 'x'], '"inspect" with "x": it takes flags only'],
    [
      ['start', '--force'],
      '"start" with --force: it does not take it; "hubbub help COMMAND" lists what a command takes',
    ],
    [['backup', 'x', '--session', 'y'], '"backup" with --session: only "inspect" takes it'],
  ])('refuses %j', (argv, message) => {
    expect(choose(...argv)).toBe(`COMMAND_INVALID Cannot run ${message}`)
  })

  test('tells of a wrong flag along with a wrong command, and takes what follows it for its value', () => {
    expect(choose('--prot', '1', 'strat')).toBe(
      'CONFIG_INVALID Cannot use --prot: there is no such flag; did you mean "--port"?\n' +
        'Cannot run "strat": there is no such command; did you mean "start"?',
    )
  })
})
