import type { Command, Flag } from './command.ts'

/** Flags that every command takes, beside the options of the hub. */
export const GENERAL_FLAGS: readonly Flag[] = [
  {
    name: 'config',
    value: 'FILE',
    summary:
      'Read options from this YAML or JSON file (default ./hubbub.yaml, ./hubbub.yml or ./hubbub.json, if there is one).',
  },
  { name: 'help', short: 'h', summary: 'Print this text; with a command, explain the command.' },
  { name: 'version', summary: 'Print the version.' },
]

const URL_FLAG: Flag = {
  name: 'url',
  value: 'URL',
  summary: 'Ask the hub at this address (default the configured one).',
}
const TOKEN_FLAG: Flag = {
  name: 'token-file',
  value: 'FILE',
  summary: 'File with an API token, where the hub has users; "-" is standard input.',
}
const JSON_FLAG: Flag = { name: 'json', summary: 'Print JSON, for programs.' }

const ROLE_FLAG: Flag = {
  name: 'role',
  value: 'ROLE',
  summary: 'A person who may look (viewer), act (operator) or do everything (admin). Without it, no pages and no API.',
}
const RULES_FLAG: Flag = {
  name: 'rules',
  value: 'RULES',
  summary: "Access rules for it alone, such as '{allow: publish, topics: home/#}'.",
}
const NOTE_FLAG: Flag = { name: 'note', value: 'TEXT', summary: 'What people should know about it.' }
const CERT_FLAGS: readonly Flag[] = [
  { name: 'folder', value: 'FOLDER', summary: 'Where the files are (default certs).' },
  JSON_FLAG,
]
const CERT_DAYS_FLAG: Flag = {
  name: 'days',
  value: 'NUMBER',
  summary: 'How many days the certificate is good (default 825).',
}
const CERT_FORCE_FLAG: Flag = { name: 'force', summary: 'Replace files that exist already.' }

const FOR_FLAG: Flag = {
  name: 'for',
  value: 'TIME',
  summary: 'Only what was seen in this time, such as 7d (default all).',
}

/** What `hubbub` can do, in the order in which people read about it. The first is what it does without a command. */
export const COMMANDS: readonly Command[] = [
  {
    name: 'start',
    summary: 'Run the hub. This is what hubbub does without a command.',
    isOfServing: true,
    run: async (call) => (await import('./start.ts')).start(call),
  },
  {
    name: 'config',
    flags: [JSON_FLAG],
    summary: 'Check the configuration and print every value and where it came from, without starting.',
    isOfServing: true,
    run: async (call) => {
      const { effectiveJson, effectiveText } = await import('../config/effective.ts')
      return (call.flags.has('json') ? effectiveJson : effectiveText)(await call.loadConfig())
    },
  },
  {
    name: 'reload',
    flags: [URL_FLAG, TOKEN_FLAG, JSON_FLAG],
    summary:
      'Have a running hub read its configuration, users and certificates again; what needs a restart is named. SIGHUP does the same.',
    isOfServing: true,
    run: async (call) => (await import('./reload-command.ts')).reload(call),
  },
  {
    name: 'inspect',
    flags: [
      { name: 'session', value: 'ID', summary: 'Show the session of the client with this identifier.' },
      JSON_FLAG,
    ],
    summary: 'Count what the data folder holds, also while a hub uses it.',
    run: async (call) => (await import('./store-commands.ts')).inspect(call),
  },
  {
    name: 'explain',
    operand: 'TOPIC',
    flags: [
      { name: 'client', value: 'ID', summary: 'Ask for the client with this identifier only.' },
      URL_FLAG,
      TOKEN_FLAG,
      JSON_FLAG,
    ],
    summary:
      'Ask a running hub why messages of a topic did or did not arrive: who subscribes, and what each session did with the last messages.',
    run: async (call) => (await import('./explain.ts')).explain(call),
  },
  {
    name: 'access explain',
    flags: [
      { name: 'user', value: 'NAME', summary: 'The user who asks; without it, somebody without a user name.' },
      { name: 'client', value: 'ID', summary: 'The identifier of the client.' },
      { name: 'publish', value: 'TOPIC', summary: 'Ask whether messages may be published there.' },
      { name: 'receive', value: 'TOPIC', summary: 'Ask whether messages of this topic may be received.' },
      { name: 'subscribe', value: 'FILTER', summary: 'Ask whether this may be subscribed to.' },
      { name: 'address', value: 'IP', summary: 'Where the client comes from (default 127.0.0.1).' },
      { name: 'listener', value: 'NAME', summary: 'The listener that it comes to (default mqtt).' },
      { name: 'group', value: 'NAMES', summary: 'Groups that a token gives the user, separated by commas.' },
      { name: 'role', value: 'ROLE', summary: 'The role that a token gives the user: viewer, operator or admin.' },
      JSON_FLAG,
    ],
    summary: 'Say why somebody may or may not publish, receive or subscribe, and which rule decides, without a hub.',
    run: async (call) => (await import('./access-commands.ts')).explainAccess(call),
  },
  {
    name: 'access test',
    operand: 'FILE',
    flags: [FOR_FLAG, JSON_FLAG],
    summary: 'Say what the access rules of another configuration file would change of what users were seen to do.',
    run: async (call) => (await import('./access-commands.ts')).testAccess(call),
  },
  {
    name: 'access learn',
    flags: [FOR_FLAG],
    summary: 'Propose the narrowest access rules that allow what users were seen to do, as a configuration file.',
    run: async (call) => (await import('./access-commands.ts')).learnAccess(call),
  },
  {
    name: 'ready',
    flags: [{ name: 'wait', value: 'TIME', summary: 'Wait until it can, for so long at most, such as 60s.' }, URL_FLAG],
    summary: 'Ask a running hub whether it can do its work.',
    run: async (call) => (await import('./ready.ts')).ready(call),
  },
  {
    name: 'user add',
    operand: 'NAME',
    flags: [
      { name: 'device', summary: 'A device: make a secret for it, and print it once.' },
      {
        name: 'certificate',
        summary: 'A device that comes with a client certificate of this name, without a password.',
      },
      ROLE_FLAG,
      { name: 'group', value: 'NAMES', summary: 'Put it into these groups, separated by commas.' },
      RULES_FLAG,
      NOTE_FLAG,
      JSON_FLAG,
    ],
    summary:
      'Add somebody who may come in, also while the hub runs. The password is asked for, or is the first line of standard input; the first user with one is an admin.',
    run: async (call) => (await import('./user-commands.ts')).addUser(call),
  },
  {
    name: 'user remove',
    operand: 'NAME',
    flags: [{ name: 'force', summary: 'Also the last admin.' }, JSON_FLAG],
    summary: 'Remove a user, with all passwords and tokens; the connections of the user end.',
    run: async (call) => (await import('./user-commands.ts')).removeUser(call),
  },
  {
    name: 'user list',
    flags: [JSON_FLAG],
    summary: 'List who may come in: people with their role, devices, groups and tokens.',
    run: async (call) => (await import('./user-commands.ts')).listUsers(call),
  },
  {
    name: 'user passwd',
    operand: 'NAME',
    flags: [{ name: 'device', summary: 'Make a secret in place of the password, and print it once.' }, JSON_FLAG],
    summary: 'Give a person another password, or a device another secret.',
    run: async (call) => (await import('./user-commands.ts')).setPassword(call),
  },
  {
    name: 'user token',
    operand: 'NAME',
    flags: [
      { name: 'role', value: 'ROLE', summary: 'The most it may do: viewer (the default), operator or admin.' },
      { name: 'days', value: 'NUMBER', summary: 'How long it is good (default 90).' },
      {
        name: 'rules',
        value: 'RULES',
        summary: "Only what these access rules allow too, such as '{allow: publish, topics: home/#}'.",
      },
      NOTE_FLAG,
      {
        name: 'remove',
        value: 'ID',
        summary: 'Withdraw the token with this identifier instead; "user list --json" has them.',
      },
      JSON_FLAG,
    ],
    summary: 'Make a token with which a program asks the API as this user, and print it once.',
    run: async (call) => (await import('./user-commands.ts')).userToken(call),
  },
  {
    name: 'cert client',
    operand: 'NAME',
    flags: [CERT_DAYS_FLAG, CERT_FORCE_FLAG, ...CERT_FLAGS],
    summary: 'Make a certificate by which the hub knows a client, signed by the CA of "hubbub cert", for trying out.',
    run: async (call) => (await import('./cert/cert-commands.ts')).makeClientCertificate(call),
  },
  {
    name: 'cert revoke',
    operand: 'NAME',
    flags: CERT_FLAGS,
    summary:
      'Put the certificate of a client on the list of those that are revoked. A running hub takes the new list by itself.',
    run: async (call) => (await import('./cert/cert-commands.ts')).revokeCertificate(call),
  },
  {
    name: 'cert',
    flags: [
      {
        name: 'names',
        value: 'LIST',
        summary: 'More host names and addresses of this machine, separated by commas, such as hub.example.org.',
      },
      CERT_DAYS_FLAG,
      CERT_FORCE_FLAG,
      ...CERT_FLAGS,
    ],
    summary:
      'Make a CA and a certificate of this machine for TLS, for trying out, and print how the hub, devices and browsers use them.',
    run: async (call) => (await import('./cert/cert-commands.ts')).makeServerCertificate(call),
  },
  {
    name: 'history export',
    flags: [
      { name: 'filter', value: 'FILTER', summary: 'Only topics under this filter, such as home/#.' },
      { name: 'since', value: 'TIME', summary: 'Only what is newer, such as 7d or 2026-01-31T12:00:00Z.' },
      { name: 'until', value: 'TIME', summary: 'Only what is older.' },
    ],
    summary: 'Write the recorded messages of the data folder as NDJSON, also while a hub uses it.',
    run: async (call) => (await import('./history-commands.ts')).exportHistory(call, process.stdout),
  },
  {
    name: 'history import',
    operand: 'FILE',
    summary:
      'Add what was exported ("-" for standard input) to a data folder that no hub uses. A running hub takes it at POST /api/v1/history/import.',
    run: async (call) => (await import('./history-commands.ts')).importHistory(call),
  },
  {
    name: 'backup',
    operand: 'FILE',
    flags: [{ name: 'force', summary: 'Replace a file that exists already.' }],
    summary: 'Copy the store to a file, also while a hub uses it.',
    run: async (call) => (await import('./store-commands.ts')).backup(call),
  },
  {
    name: 'restore',
    operand: 'FILE',
    flags: [{ name: 'force', summary: 'Move aside a store that exists already.' }],
    summary: 'Make a backup the store of the data folder.',
    run: async (call) => (await import('./store-commands.ts')).restore(call),
  },
]
