import type { Option } from './option.ts'

/** What the hub tells of itself. */
export const OBSERVE_OPTIONS = [
  {
    key: 'sysIntervalSeconds',
    kind: 'number',
    unit: 'seconds',
    min: 0,
    max: 86_400,
    default: 10,
    summary:
      'How often the hub publishes what has changed of its state under $SYS, as Mosquitto does. Raise it when clients on slow links subscribe to $SYS/#. 0 publishes nothing.',
    needsRestart: true,
  },
] as const satisfies readonly Option[]
