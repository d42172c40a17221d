import { resolve } from 'node:path'
import { formatBytes } from '../base/bytes.ts'
import { HubbubError } from '../base/errors.ts'
import { backupStore, restoreStore } from '../store/disk/backup.ts'
import { inspectSession, inspectStore, type SessionSummary, type StoreSummary } from '../store/disk/inspect.ts'
import type { CommandCall } from './command.ts'
import { dataFolder } from './data-folder.ts'

/** Copies the store of the data folder to a file. */
export async function backup({ operand: file, flags, loadConfig }: CommandCall): Promise<string> {
  const folder = dataFolder('backup', (await loadConfig()).config)
  const bytes = await backupStore(folder, resolve(file), flags.has('force'))
  return `Backed up ${folder} to ${file}: ${formatBytes(bytes)}\n`
}

/** Makes a backup the store of the data folder. */
export async function restore({ operand: file, flags, loadConfig }: CommandCall): Promise<string> {
  const folder = dataFolder('restore', (await loadConfig()).config)
  const before = await restoreStore(resolve(file), folder, flags.has('force'))
  return `Restored ${file} to ${folder}\n${before === undefined ? '' : `What was there before is in ${before}\n`}`
}

/** Counts what the data folder holds, or shows one session. */
export async function inspect({ flags, loadConfig }: CommandCall): Promise<string> {
  const folder = dataFolder('inspect', (await loadConfig()).config)
  const session = flags.get('session')
  const summary = session === undefined ? await inspectStore(folder) : await inspectSession(folder, session)
  if (summary === undefined) {
    throw new HubbubError(
      'STORE_UNUSABLE',
      `Cannot show the session ${JSON.stringify(session)}: the store in ${folder} has none of that client`,
    )
  }
  if (flags.has('json')) return `${JSON.stringify(summary, undefined, 2)}\n`
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
