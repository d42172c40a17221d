import { HubbubError } from '../../base/errors.ts'
import type { OpenedDatabases, Records } from './databases.ts'
import { checked, decodeText, encodeText } from './records.ts'
import { decodeState, encodeState } from './state-record.ts'

/** Version of what `records.ts` and `state-record.ts` write; see `src/store/README.md`. */
const FORMAT = 'hubbub store 4'
/** All their values read the same in format 4, but for the states of sessions before format 3. */
const FORMATS_BEFORE: ReadonlySet<string> = new Set(['hubbub store 1', 'hubbub store 2', 'hubbub store 3'])
const FORMATS_WITHOUT_HASHES: ReadonlySet<string> = new Set(['hubbub store 1', 'hubbub store 2'])
const FORMAT_KEY = Buffer.from('format')

/** The states of sessions tell the content of the QoS 2 messages that wait for PUBREL: not so before format 3. */
export function hasContentHashes(about: Records): boolean {
  const format = formatOf(about)
  return format === undefined || !FORMATS_WITHOUT_HASHES.has(format)
}

/**
 * Makes a store of an older format one of this, all in one transaction.
 * @throws HubbubError `STORE_UNUSABLE` when its format is none that is known
 * @throws DamagedRecordError
 */
export async function takeUpFormat({ root, databases }: OpenedDatabases, folder: string): Promise<void> {
  const { about, states } = databases
  const format = formatOf(about)
  if (format === FORMAT) return
  if (format !== undefined && !FORMATS_BEFORE.has(format)) {
    const message = `Cannot use the store in ${folder}: its format must be "${FORMAT}", it is ${JSON.stringify(format)}`
    throw new HubbubError('STORE_UNUSABLE', `${message}; use the version of Hubbub that wrote it`)
  }
  const hadHashes = hasContentHashes(about)
  await root.transaction(() => {
    if (!hadHashes) takeUpStates(states)
    void about.put(FORMAT_KEY, encodeText(FORMAT))
  })
}

/** Writes the states of sessions anew that have no content hashes. Part of a transaction. */
function takeUpStates(states: Records): void {
  for (const { key, value } of states.getRange()) {
    const state = decodeState(checked(value, 'the state of a session'), false)
    if (state.receivedIds.size > 0) void states.put(key, encodeState(state))
  }
}

/** Undefined for a store that is new. */
function formatOf(about: Records): string | undefined {
  const stored = about.get(FORMAT_KEY)
  return stored === undefined ? undefined : decodeText(checked(stored, 'the format'))
}
