import type { Option } from '../option.ts'
import { textOrOff } from '../schema.ts'

const FILE = { type: 'string', pattern: '^[^\\0]*[^\\0\\s][^\\0]*$', placeholder: 'FILE' } as const

/** Who may come in. */
export const USERS_OPTIONS = [
  {
    key: 'users.file',
    schema: textOrOff({ ...FILE, wanted: 'the path of a file' }),
    default: null,
    summary:
      'File with the users, which "hubbub user" writes; a running hub takes its changes over within two seconds. null is users.ndjson in the data folder, with the rest of what must outlive the hub; with data "memory" there are no users then.',
    needsRestart: true,
  },
  {
    key: 'users.passwordFile',
    schema: textOrOff({ ...FILE, wanted: 'the path of a password_file of Mosquitto' }),
    default: null,
    summary:
      'Takes the users of a file that mosquitto_passwd wrote (Mosquitto\'s password_file), as devices, besides those of users.file. "hubbub user" does not write it.',
    needsRestart: true,
  },
] as const satisfies readonly Option[]
