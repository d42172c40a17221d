import { HubbubError } from '../../base/errors.ts'
import { parseRules } from '../rules/read-rules.ts'
import type { Rule } from '../rules/rule.ts'

/** Reads the own rules of a user or a token, each a text. @throws HubbubError `USERS_INVALID` with what is wrong, without the place */
export function readOwnRules(rules: readonly string[], file: string, line: number): readonly Rule[] {
  const faults: string[] = []
  const read = rules.flatMap((text) => {
    const parsed = parseRules(text, `${file}:${line}`)
    for (const { what } of parsed.faults) faults.push(what)
    return parsed.rules
  })
  if (faults.length > 0) throw new HubbubError('USERS_INVALID', faults.join('; '))
  return read
}
