import { isWrittenList, isWrittenMapping, type Written } from '../../base/written.ts'

const MAX_CHARACTERS = 300
/** What YAML takes for itself without quotes. */
const PLAIN = /^[\p{L}\p{N}%$/_][\p{L}\p{N}%$/_.+*@-]*( [\p{L}\p{N}%$/_.+*@-]+)*$/u

/** What is written, on one line, in YAML. Characters that do something in a terminal are escaped. */
export function flowText(written: Written): string {
  const text = flow(written)
  return text.length > MAX_CHARACTERS ? `${text.slice(0, MAX_CHARACTERS)}…` : text
}

function flow({ value, source }: Written): string {
  if (isWrittenList(value)) return `[${value.map(flow).join(', ')}]`
  if (isWrittenMapping(value)) {
    return `{ ${[...value].map(([name, part]) => `${scalar(name)}: ${flow(part)}`).join(', ')} }`
  }
  return typeof value === 'string' ? scalar(value) : source
}

function scalar(text: string): string {
  return PLAIN.test(text) ? text : JSON.stringify(text).replaceAll(/[\p{C}\u2028\u2029]/gu, escaped)
}

function escaped(character: string): string {
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`
}
