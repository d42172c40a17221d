import type { Option } from '../option.ts'
import { textOrOff } from '../schema.ts'

const FILE = { type: 'string', pattern: '^[^\\0]*[^\\0\\s][^\\0]*$', placeholder: 'FILE' } as const

const TEXT = { type: 'string', pattern: '^[^\\0]+$', placeholder: 'TEXT' } as const
const CLAIM = { ...TEXT, wanted: 'the name of a claim', placeholder: 'CLAIM' } as const

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
  {
    key: 'jwt.key',
    schema: textOrOff({ ...FILE, wanted: 'the path of a file or a URL' }),
    default: null,
    summary:
      'Takes JSON Web Tokens as the password of MQTT and as HTTP bearer, signed by this key: a file with a public key or certificate (PEM), a JSON Web Key (Set), or a secret of 32 bytes or more; or the https URL of a key set. Needs jwt.audience.',
    needsRestart: true,
  },
  {
    key: 'jwt.audience',
    schema: textOrOff({ ...TEXT, wanted: 'a text' }),
    default: null,
    summary: 'What tokens must say in "aud": that they are for this hub and no other program.',
    needsRestart: true,
  },
  {
    key: 'jwt.issuer',
    schema: textOrOff({ ...TEXT, wanted: 'a text' }),
    default: null,
    summary: 'What tokens must say in "iss". null takes those of everybody who has the key.',
    needsRestart: true,
  },
  {
    key: 'jwt.userClaim',
    schema: CLAIM,
    default: 'sub',
    summary: 'The claim that is the user name. A name with dots is looked for in claims that hold others.',
    needsRestart: true,
  },
  {
    key: 'jwt.groupsClaim',
    schema: CLAIM,
    default: 'groups',
    summary: 'The claim that lists the groups of the user, such as realm_access.roles.',
    needsRestart: true,
  },
  {
    key: 'jwt.rulesClaim',
    schema: CLAIM,
    default: 'access',
    summary: 'The claim with access rules for this user alone, as they are written in access.rules, without "for".',
    needsRestart: true,
  },
  {
    key: 'jwt.roleClaim',
    schema: textOrOff(CLAIM),
    default: null,
    summary: 'The claim that is viewer, operator or admin, for the API and the pages. null: a token gives no role.',
    needsRestart: true,
  },
] as const satisfies readonly Option[]
