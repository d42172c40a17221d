import { resolve } from 'node:path'
import { formatBytes } from '../base/bytes.ts'
import { HubbubError } from '../base/errors.ts'
import { backupStore, restoreStore } from '../store/disk/backup.ts'
import { inspectSession, inspectStore, type SessionSummary, type StoreSummary } from '../store/disk/inspect.ts'

/** The commands that look at a data folder, and what each takes. */
export const STORE_COMMANDS: ReadonlyMap<string, 'file' | undefined> = new Map([
  ['backup', 'file'],
  ['restore', 'file'],
  ['inspect', undefined],
])

/** What was typed after such a command. */
export interface StoreCommandOptions {
  /** The data folder, as configured. */
  readonly data: string
  readonly file: string
  readonly isForced: boolean
  readonly isJsonWanted: boolean
  /** The client identifier to show. */
  readonly session: string | undefined
}

/** Runs one of them and returns what it has to say. Throws HubbubError when it cannot. */
export async function runStoreCommand(command: string, options: StoreCommandOptions): Promise<string> {
  const { data, file, isForced, isJsonWanted, session } = options
  if (data === 'memory') {
    throw new HubbubError(
      'COMMAND_INVALID',
      `Cannot run "${command}": a data folder is wanted, data is "memory"; name one with --data`,
    )
  }
  const folder = resolve(data)
  if (command === 'backup') {
    const bytes = await backupStore(folder, resolve(file), isForced)
    return `Backed up ${folder} to ${file}: ${formatBytes(bytes)}\n`
  }
  if (command === 'restore') {
    const before = await restoreStore(resolve(file), folder, isForced)
    return `Restored ${file} to ${folder}\n${before === undefined ? '' : `What was there before is in ${before}\n`}`
  }
  const summary = session === undefined ? await inspectStore(folder) : await inspectSession(folder, session)
  if (summary === undefined) {
    throw new HubbubError(
      'STORE_UNUSABLE',
      `Cannot show the session ${JSON.stringify(session)}: the store in ${folder} has none of that client`,
    )
  }
  if (isJsonWanted) return `${JSON.stringify(summary, undefined, 2)}\n`
  return 'clientId' in summary ? sessionText(summary) : storeText(summary)
}

function storeText(summary: StoreSummary): string {
  const { sessions, groups, subscriptions, queuedMessages, queuedBytes } = summary
  const { inFlightMessages, retainedMessages, wills } = summary
  return lines([
    ['store', `${summary.file}, ${formatBytes(summary.fileBytes)}`],
    ['sessions', `${count(sessions)} with ${count(subscriptions)} subscriptions`],
    ['shared', `${count(groups)} shared subscriptions with kept members`],
    ['queued', `${count(queuedMessages)} messages, ${formatBytes(queuedBytes)}`],
    ['in flight', `${count(inFlightMessages)} messages`],
    ['retained', `${count(retainedMessages)} messages`],
    ['wills', count(wills)],
  ])
}

function sessionText(summary: SessionSummary): string {
  const { subscriptions, inFlight, receivedIds, leftAtMs } = summary
  return lines([
    ['session', JSON.stringify(summary.clientId)],
    [
      'client',
      leftAtMs === 0 ? 'connected, or was when the hub ended' : `away since ${new Date(leftAtMs).toISOString()}`,
    ],
    ['queued', `${count(summary.queuedMessages)} messages, ${formatBytes(summary.queuedBytes)}`],
    ['in flight', `${count(inFlight.length)} messages to the client`],
    ['received', `${count(receivedIds.length)} QoS 2 messages from the client that wait for PUBREL`],
    ...subscriptions.map(({ filter, qos }): [string, string] => [
      'subscribed',
      `${JSON.stringify(filter)} at QoS ${qos}`,
    ]),
  ])
}

function lines(rows: readonly (readonly [string, string])[]): string {
  return rows.map(([name, text]) => `${name.padEnd(11)}${text}\n`).join('')
}

function count(number: number): string {
  return number.toLocaleString('en')
}
