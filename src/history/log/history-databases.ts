import { open, type RootDatabase } from 'lmdb'
import type { Records } from '../../store/disk/databases.ts'
import type { WalkPlan } from '../../store/disk/integrity.ts'

/** The databases of a history, in one LMDB environment of its own. */
export interface HistoryDatabases {
  readonly root: RootDatabase<Buffer, Buffer>
  /** The format's version, and the totals. */
  readonly about: Records
  readonly topics: Records
  readonly chapters: Records
  readonly members: Records
  readonly blocks: Records
  readonly postingLists: Records
}

/** How a history is walked through when it is opened. Only some of its blocks are read, so that a start does not take seconds. */
export const HISTORY_PLAN: WalkPlan = {
  names: ['about', 'topics', 'chapters', 'members', 'blocks'],
  bulk: 'blocks',
  maxBulkBytes: 64 * 1024 ** 2,
  unchecked: '',
}

const BYTES = { encoding: 'binary', keyEncoding: 'binary' } as const

/** Opens the databases in the file `path`; missing ones are created, unless it is opened for reading only. */
export function openHistoryDatabases(path: string, readOnly = false): HistoryDatabases {
  const root = open<Buffer, Buffer>({ path, readOnly, maxDbs: 8, eventTurnBatching: false, ...BYTES })
  const database = (name: string): Records => root.openDB<Buffer, Buffer>({ name, ...BYTES })
  return {
    root,
    about: database('about'),
    topics: database('topics'),
    chapters: database('chapters'),
    members: database('members'),
    blocks: database('blocks'),
    postingLists: database('runs'),
  }
}
