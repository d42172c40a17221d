import type { Option } from '../option.ts'
import { choice } from '../schema.ts'

/** How sessions share messages. */
export const SESSIONS_OPTIONS = [
  {
    key: 'sharedSubscriptions.strategy',
    schema: choice('round-robin', 'sticky', 'least-loaded'),
    default: 'round-robin',
    summary:
      'Which member of a shared subscription ($share/…) gets a message: each in turn, the same one while it is connected, or the one with the least to do.',
    needsRestart: true,
  },
] as const satisfies readonly Option[]
