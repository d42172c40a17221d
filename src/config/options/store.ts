import type { Option } from '../option.ts'
import { choice } from '../schema.ts'

/** Relative ones from where the hub is started. */
const FOLDER_OR_MEMORY = {
  type: 'string',
  pattern: '^[^\\0]*[^\\0\\s][^\\0]*$',
  wanted: 'a folder, or "memory"',
  placeholder: 'FOLDER',
} as const

/** What outlives the hub. */
export const STORE_OPTIONS = [
  {
    key: 'data',
    schema: FOLDER_OR_MEMORY,
    default: './data',
    summary:
      'Folder for everything that must outlive the hub: sessions, queued messages, retained messages, the history. "memory" keeps it in memory only, until the hub stops.',
    needsRestart: true,
    isEveryday: true,
  },
  {
    key: 'durability',
    schema: choice('memory', 'disk', 'fsync'),
    default: 'disk',
    summary:
      'What an acknowledgement promises. "memory": the message is kept while the hub runs; "disk": also when the hub is killed; "fsync": also when the power fails, which is slower.',
    needsRestart: true,
  },
] as const satisfies readonly Option[]
