import { once } from 'node:events'
import { createReadStream, mkdirSync } from 'node:fs'
import { Readable, type Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Config } from '../config/config.ts'
import { HubbubError } from '../base/errors.ts'
import { readPosition } from '../admin/history-position.ts'
import type { HistoryPosition } from '../admin/history-view.ts'
import { History } from '../history/history.ts'
import { Clock } from '../base/clock.ts'
import { createLog } from '../base/log.ts'
import { DiskHistoryLog } from '../history/log/disk-history-log.ts'
import { FolderLock } from '../store/disk/folder-lock.ts'
import type { CommandCall } from './command.ts'
import { dataFolder } from './data-folder.ts'

/** Writes the history of a data folder as NDJSON, also while a hub uses it: what that recorded in its last second may be missing. */
export async function exportHistory(call: CommandCall, output: Writable): Promise<void> {
  const { config } = await call.loadConfig()
  const filter = call.flags.get('filter')
  const after = readFlag(call, 'since')
  const before = readFlag(call, 'until')
  const history = openHistory(dataFolder('history export', config), config, true)
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
export async function importHistory(call: CommandCall): Promise<string> {
  const { config } = await call.loadConfig()
  const { operand: file } = call
  const folder = dataFolder('history import', config)
  const history = openHistory(folder, config, false)
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

function readFlag({ flags }: CommandCall, name: 'since' | 'until'): HistoryPosition | undefined {
  const text = flags.get(name)
  const position = text === undefined ? undefined : readPosition(text, Date.now())
  if (typeof position !== 'string') return position
  throw new HubbubError('COMMAND_INVALID', `Cannot export with --${name} ${JSON.stringify(text)}: ${position}`)
}

function openHistory(folder: string, { history, limits, logLevel }: Config, isReadOnly: boolean): History {
  const log = createLog({ level: logLevel })
  const store = new DiskHistoryLog({ folder, log, isReadOnly })
  const settings = { ...history, enabled: true }
  return new History({ settings, store, clock: new Clock(), log, topicLimits: limits, isReadOnly })
}
