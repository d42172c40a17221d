import { levelsOf, type Levels } from './filter-levels.ts'

/** What stands for a part of who asks: `u` the user, `c` the client identifier, `g` each group. */
export type Variable = 'u' | 'c' | 'g'

export type Part = string | { readonly variable: Variable }

/** The topic filter of a rule, in which levels may hold variables. */
export interface TopicPattern {
  /** As it is written. */
  readonly text: string
  /** The levels, when there are no variables. */
  readonly fixed: Levels | undefined
  /**
   * The levels with a name of its own for each that holds a variable, which no level of a topic can have: patterns are held against each
   * other by these.
   */
  readonly symbolic: Levels
  readonly hasGroup: boolean
  readonly parts: readonly (string | readonly Part[])[]
}

/** What variables become. Undefined: a rule with the variable is none for this one. */
export interface VariableValues {
  readonly user: string | undefined
  readonly clientId: string | undefined
  readonly group: string | undefined
}

/** More levels than this has no topic, by the default of `limits.maxTopicLevels`. */
const MAX_PATTERN_LEVELS = 200

/** `parts`: of each level, the text, or a list when there is a variable in it. */
export function makePattern(text: string, parts: readonly (string | readonly Part[])[]): TopicPattern {
  const symbolic = parts.map((level) => (typeof level === 'string' ? level : `\0${level.map(symbolOf).join('')}`))
  return {
    text,
    fixed: parts.every((level) => typeof level === 'string') ? levelsOf(symbolic.join('/')) : undefined,
    symbolic: levelsOf(symbolic.join('/')),
    hasGroup: parts.some(
      (level) => typeof level !== 'string' && level.some((part) => typeof part !== 'string' && part.variable === 'g'),
    ),
    parts,
  }
}

function symbolOf(part: Part): string {
  return typeof part === 'string' ? part : `\0${part.variable}`
}

/**
 * The levels with variables filled in. A value becomes part of one level and is never read again: with "/" in it, it fits no topic, "+"
 * and "#" are no wildcards, and a "$" at the very beginning opens nothing (CVE-2017-7650 and its like). Returns why there is no such rule
 * for these values, when there is none.
 */
function fillPattern(pattern: TopicPattern, values: VariableValues): Levels | string {
  if (pattern.fixed !== undefined) return pattern.fixed
  const levels: string[] = []
  for (const [i, level] of pattern.parts.entries()) {
    if (typeof level === 'string') {
      levels.push(level)
      continue
    }
    let text = ''
    for (const part of level) {
      const value = typeof part === 'string' ? part : valueOf(part.variable, values)
      if (value === undefined || value === '') return `%${typeof part === 'string' ? '' : part.variable} has no value`
      if (i === 0 && text === '' && typeof part !== 'string' && value.startsWith('$')) {
        return `%${part.variable} begins with "$"`
      }
      text += value
    }
    // No topic has such a level, and no code after this one is to take it for anything but text.
    if (/[/+#\0]/.test(text)) return `the value of a variable holds "/", "+", "#" or U+0000`
    levels.push(text)
  }
  return levels
}

/** What a pattern becomes for somebody, or why there is none: one for each of the groups when it names the group. */
export function fillForEach(
  pattern: TopicPattern,
  { user, clientId, groups }: Pick<VariableValues, 'user' | 'clientId'> & { readonly groups: ReadonlySet<string> },
): (Levels | string)[] {
  if (!pattern.hasGroup) return [fillPattern(pattern, { user, clientId, group: undefined })]
  return [...groups].toSorted().map((group) => fillPattern(pattern, { user, clientId, group }))
}

function valueOf(variable: Variable, { user, clientId, group }: VariableValues): string | undefined {
  if (variable === 'u') return user
  return variable === 'c' ? clientId : group
}

/** Reads a level with what stands for variables in it; undefined: there is no such variable. */
export type LevelReader = (level: string) => string | readonly Part[] | undefined

/** Reads a topic filter with `%u`, `%c`, `%g` and `%%`. Returns what is wrong with it, as the end of "it …", when it is no such filter. */
export function readPattern(text: string, readLevel: LevelReader = readOwnLevel): TopicPattern | string {
  if (text === '') return 'must have at least one character'
  if (text.includes('\0')) return 'must not contain U+0000'
  if (/\p{Surrogate}/u.test(text)) return 'must not contain half of a surrogate pair'
  if (Buffer.byteLength(text) > 65_535) return 'must be at most 65535 bytes long'
  const levels = text.split('/')
  if (levels.length > MAX_PATTERN_LEVELS)
    return `must have at most ${MAX_PATTERN_LEVELS} levels, it has ${levels.length}`
  const read: (string | readonly Part[])[] = []
  for (const [i, level] of levels.entries()) {
    if (level.includes('#') && (level !== '#' || i < levels.length - 1))
      return 'must have "#" as the whole of its last level only'
    if (level.includes('+') && level !== '+') return 'must have "+" as the whole of a level only'
    const parts = readLevel(level)
    if (parts === undefined) {
      return `must have no variables but %u (user), %c (client identifier) and %g (group), "%%" is a percent sign`
    }
    read.push(parts)
  }
  return makePattern(text, read)
}

/** A level as text, or as a list when it holds a variable; undefined when there is no such variable. */
function readOwnLevel(level: string): string | readonly Part[] | undefined {
  if (!level.includes('%')) return level
  const parts: Part[] = []
  let text = ''
  for (let i = 0; i < level.length; i++) {
    const character = level.charAt(i)
    const next = level.charAt(i + 1)
    if (character !== '%') {
      text += character
    } else if (next === '%') {
      text += '%'
      i++
    } else if (next === 'u' || next === 'c' || next === 'g') {
      if (text !== '') parts.push(text)
      text = ''
      parts.push({ variable: next })
      i++
    } else if (/[\p{L}\p{N}]/u.test(next)) {
      return undefined
    } else {
      text += character
    }
  }
  if (parts.length === 0) return text
  if (text !== '') parts.push(text)
  return parts
}
