import { once } from 'node:events'
import { createReadStream, mkdirSync } from 'node:fs'
import { resolve } from 'node:path'
import { Readable, type Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Config } from '../config/config.ts'
import { HubbubError } from '../base/errors.ts'
import { readPosition } from '../admin/history-position.ts'
import type { HistoryPosition } from '../admin/history-view.ts'
import { History } from '../history/history.ts'
import { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import { DiskHistoryLog } from '../history/log/disk-history-log.ts'
import { FolderLock } from '../store/disk/folder-lock.ts'

/** What was typed after `hubbub history`. */
export interface HistoryCommand {
  readonly config: Config
  readonly log: Log
  /** What of the history an export has: flags by name, as they were typed. */
  readonly flags: ReadonlyMap<string, string>
}

/** Writes the history of a data folder as NDJSON, also while a hub uses it: what that recorded in its last second may be missing. */
export async function exportHistory(command: HistoryCommand, output: Writable): Promise<void> {
  const filter = command.flags.get('filter')
  const after = readFlag(command, 'since')
  const before = readFlag(command, 'until')
  const { history } = open(command, true)
  await history.start()
  try {
    await pipeline(Readable.from(history.export({ filter, after, before }), { objectMode: false }), output, {
      end: false,
    })
  } finally {
    await history.stop()
  }
}

/** Adds the NDJSON of a file, or of standard input for "-", to the history of a data folder that no hub uses. */
export async function importHistory(command: HistoryCommand, file: string): Promise<string> {
  const { history, folder } = open(command, false)
  mkdirSync(folder, { recursive: true })
  const lock = await FolderLock.take(folder)
  try {
    await history.start()
    try {
      const input = file === '-' ? process.stdin : await openFile(file)
      const { imported, tooOld, faulty, faults } = await history.import(input)
      const lines = [`Imported ${imported.toLocaleString('en')} messages`]
      if (tooOld > 0)
        lines.push(`${tooOld.toLocaleString('en')} were older than history.maxDays and the rules keep any`)
      if (faulty > 0) lines.push(`${faulty.toLocaleString('en')} lines are no messages:`, ...faults)
      return `${lines.join('\n')}\n`
    } finally {
      await history.stop()
    }
  } finally {
    await lock.release()
  }
}

async function openFile(file: string): Promise<AsyncIterable<Buffer>> {
  const stream = createReadStream(file)
  try {
    await once(stream, 'open')
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
    const reason = code === 'ENOENT' ? 'there is no such file' : code
    throw new HubbubError('COMMAND_INVALID', `Cannot read ${file}: ${reason}`, { cause })
  }
  return stream
}

function readFlag({ flags }: HistoryCommand, name: 'since' | 'until'): HistoryPosition | undefined {
  const text = flags.get(name)
  const position = text === undefined ? undefined : readPosition(text, Date.now())
  if (typeof position !== 'string') return position
  throw new HubbubError('COMMAND_INVALID', `Cannot export with --${name} ${JSON.stringify(text)}: ${position}`)
}

function open({ config, log }: HistoryCommand, isReadOnly: boolean): { history: History; folder: string } {
  if (config.data === 'memory') {
    const text = 'a data folder is wanted, data is "memory"; name one with --data'
    throw new HubbubError('COMMAND_INVALID', `Cannot run "history": ${text}`)
  }
  const folder = resolve(config.data)
  const store = new DiskHistoryLog({ folder, log, isReadOnly })
  const settings = { ...config.history, enabled: true }
  return {
    folder,
    history: new History({ settings, store, clock: new Clock(), log, topicLimits: config.limits, isReadOnly }),
  }
}
