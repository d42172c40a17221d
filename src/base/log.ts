import { pino } from 'pino'
import { prettyFactory } from 'pino-pretty'
import { LineRate } from './line-rate.ts'

/** Who, what, why: the facts of a log line by name. A field `err` holds an error. */
export type LogFields = Readonly<Record<string, unknown>>

/** Where the hub writes its log. A test passes one that collects the lines. */
export interface Log {
  debug(fields: LogFields, text: string): void
  info(fields: LogFields, text: string): void
  warn(fields: LogFields, text: string): void
  error(fields: LogFields, text: string): void
  /** Whether lines of this level are written; all are where it is left out. Facts that cost something are not gathered for others. */
  isTold?(level: LogLevel): boolean
}

export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent'

/** A log whose level may change while it is written. */
export interface AdjustableLog extends Log {
  setLevel(level: LogLevel): void
  isTold(level: LogLevel): boolean
}

/** Whether a log writes lines of a level. */
export function isTold(log: Log, level: LogLevel): boolean {
  return log.isTold === undefined || log.isTold(level)
}

/** Takes whole lines of text. */
export interface LogDestination {
  write(line: string): unknown
}

export interface LogOptions {
  /** The least important level that is written. */
  readonly level: LogLevel
  /** Whether lines are for people instead of machines. Default: whether standard error is a terminal. */
  readonly isPretty?: boolean
  /** Default: standard error. */
  readonly destination?: LogDestination
}

/** How much may wait for a slow reader of standard error. Further lines are lost, since the hub does not wait. */
const MAX_WAITING_CHARACTERS = 16 * 1024 * 1024
/** Of a field: topics, client identifiers and what is said of them may have 65,535 bytes. */
const MAX_FIELD_CHARACTERS = 512
/** That of 'info'. Who has finer lines told wants all of them. */
const INFO = 30

/** Makes the log of a hub: coloured lines on a terminal, else one JSON object per line. What clients sent cannot move the cursor. */
export function createLog({ level, isPretty = process.stderr.isTTY, destination }: LogOptions): AdjustableLog {
  // Another thread writes the lines, since a pipe that nobody reads would stop the whole hub. At exit pino writes the rest.
  const target = destination ?? pino.destination({ dest: 2, sync: isPretty, maxLength: MAX_WAITING_CHARACTERS })
  const format = isPretty ? prettyFormat() : escapeInvisible
  const rate = new LineRate((text, leftOut) =>
    log.warn({ text, leftOut }, 'lines of one kind were left out of the log'),
  )
  const log = pino(
    {
      level,
      base: null,
      ...(isPretty ? {} : { timestamp: pino.stdTimeFunctions.isoTime }),
      formatters: { log: shortened },
      hooks: {
        logMethod(args, method, levelNumber) {
          const [, text] = args
          if (levelNumber < INFO || typeof text !== 'string' || rate.takes(text)) method.apply(this, args)
        },
      },
    },
    { write: (line) => target.write(format(line)) },
  )
  return Object.assign(log, {
    setLevel: (next: LogLevel): void => {
      log.level = next
    },
    isTold: (other: LogLevel): boolean => log.isLevelEnabled(other),
  })
}

/** The fields, with those cut that are too long for a line. */
function shortened(fields: Record<string, unknown>): Record<string, unknown> {
  let short = fields
  for (const [name, value] of Object.entries(fields)) {
    if (typeof value !== 'string' || value.length <= MAX_FIELD_CHARACTERS) continue
    if (short === fields) short = { ...fields }
    short[name] = `${value.slice(0, MAX_FIELD_CHARACTERS)}… (${value.length} characters)`
  }
  return short
}

function prettyFormat(): (line: string) => string {
  const format = prettyFactory({ colorize: true, singleLine: true, translateTime: 'SYS:HH:MM:ss' })
  return (line) => format(neutralize(line)) ?? ''
}

// DEL and the C1 controls (some terminals obey them), line separators, and what turns the direction of writing.
const INVISIBLE = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g
// JSON's own escapes, taken one at a time so that an escaped backslash is not mistaken for the start of one.
const ESCAPE = /\\(u[0-9a-f]{4}|.)/gi

/** JSON writes the controls below U+0020 as escapes; this adds the others. The line stays the same JSON. */
export function escapeInvisible(line: string): string {
  return line.replaceAll(INVISIBLE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** Escapes controls once more, so that they are still escaped after pino-pretty has read the line. Line feed and tab are kept. */
function neutralize(line: string): string {
  return escapeInvisible(line).replaceAll(ESCAPE, (escape, kind: string) =>
    kind.startsWith('u') || 'bfr'.includes(kind) ? `\\${escape}` : escape,
  )
}
