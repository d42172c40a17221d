import type { Option } from '../option.ts'
import { BOOLEAN, choice, number } from '../schema.ts'

/** What the hub tells of itself. */
export const OBSERVE_OPTIONS = [
  {
    key: 'logLevel',
    schema: choice('fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'),
    default: 'info',
    summary: 'How much the hub logs. "warn" leaves out clients that connect and leave; "debug" helps to find a fault.',
    needsRestart: false,
    isEveryday: true,
  },
  {
    key: 'watchConfig',
    schema: BOOLEAN,
    default: false,
    summary:
      'Has "hubbub" take changes of its configuration file, and of access.aclFile, over by itself within seconds, as by "hubbub reload". Users and certificates are watched in any case.',
    needsRestart: true,
  },
  {
    key: 'sysIntervalSeconds',
    schema: number(0, 86_400),
    default: 10,
    summary:
      'How often the hub publishes what has changed of its state under $SYS, as Mosquitto does. Raise it when clients on slow links subscribe to $SYS/#. 0 publishes nothing.',
    needsRestart: true,
  },
] as const satisfies readonly Option[]
