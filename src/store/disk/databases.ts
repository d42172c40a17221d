import { type Database, open, type RootDatabase } from 'lmdb'

/** One kind of record of the store. Keys and values are bytes, made by `records.ts`. */
export type Records = Database<Buffer, Buffer>

/** The databases of a store, in one LMDB environment, whose batches are atomic across them. They change when a file is opened in its place. */
export interface Databases {
  /** The version of the store's format. */
  about: Records
  /** Client identifiers of kept sessions, by the session's number. */
  names: Records
  states: Records
  subscriptions: Records
  queues: Records
  bodies: Records
  retained: Records
  wills: Records
}

export interface OpenedDatabases {
  root: RootDatabase<Buffer, Buffer>
  readonly databases: Databases
}

const BYTES = { encoding: 'binary', keyEncoding: 'binary' } as const

/** Opens the databases in the file `path`; missing ones are created, unless it is opened for reading only. */
export function openDatabases(path: string, readOnly = false): OpenedDatabases {
  // Batches are explicit. With LMDB's own, a failed commit would reject a promise that nobody can reach.
  const root = open<Buffer, Buffer>({ path, readOnly, maxDbs: 16, eventTurnBatching: false, ...BYTES })
  const database = (name: string): Records => root.openDB<Buffer, Buffer>({ name, ...BYTES })
  return {
    root,
    databases: {
      about: database('about'),
      names: database('names'),
      states: database('states'),
      subscriptions: database('subscriptions'),
      queues: database('queues'),
      bodies: database('bodies'),
      retained: database('retained'),
      wills: database('wills'),
    },
  }
}

/** Has those of the file `path` from now on. Returns what is to be closed. */
export function reopenDatabases(opened: OpenedDatabases, path: string): RootDatabase<Buffer, Buffer> {
  const before = opened.root
  const { root, databases } = openDatabases(path)
  opened.root = root
  Object.assign(opened.databases, databases)
  return before
}
