// oxlint-disable-next-line import/no-unassigned-import -- Vite makes a style sheet of it that comes with this part
import './people.css'
// oxlint-disable-next-line import/no-unassigned-import -- as above
import './add-device.css'
import { useSignal } from '@preact/signals'
import { encode } from 'uqr'
import { visible } from '../../worker/visible.ts'
import { PageHead } from '../pages/page-head.tsx'
import { usePolled } from '../pages/use-polled.ts'
import { ask } from '../state/api.ts'
import { conversations } from '../state/conversations.ts'
import { hrefOf } from '../state/place.ts'
import { moment } from '../words/format.ts'
import { words } from '../words/words.ts'
import { CopyButton } from './copy-button.tsx'
import { type NewDevice, readyCode } from './ready-code.ts'
import { groupsIn } from './user-card.tsx'
import { useAttempt } from './use-attempt.ts'
import { accountWords } from './words.ts'

const LOOK_EVERY_MS = 1000
/** By what one chooses, rules of the device alone. */
const TEMPLATES = {
  own: ["{ allow: [publish, receive], topics: 'devices/%u/#' }"],
  sensor: ["{ allow: publish, topics: 'devices/%u/#' }", "{ allow: receive, topics: 'devices/%u/cmd/#' }"],
  groups: [],
} as const

type Template = keyof typeof TEMPLATES

const NAMES: readonly Template[] = ['own', 'sensor', 'groups']

/** A name and what it may do; then its secret once, what to paste, and whether it works. */
export function AddDevice() {
  const text = accountWords.value
  const made = useSignal<(NewDevice & { readonly atMs: number }) | undefined>(undefined)
  return (
    <main class="page" tabIndex={-1}>
      <PageHead title={text.addDevice} />
      {made.value === undefined ? (
        <Form added={(device) => (made.value = device)} />
      ) : (
        <>
          <Credential device={made.value} />
          <Waiting name={made.value.name} sinceMs={made.value.atMs} />
          <ReadyCode device={made.value} />
          <p class="buttons">
            <button type="button" onClick={() => (made.value = undefined)}>
              {text.another}
            </button>
            <a class="button" href={hrefOf(`device/${made.value.name}`)}>
              {text.openDevice}
            </a>
          </p>
        </>
      )}
    </main>
  )
}

function Form({ added }: { readonly added: (device: NewDevice & { readonly atMs: number }) => void }) {
  const text = accountWords.value
  const name = useSignal('')
  const template = useSignal<Template>('own')
  const groups = useSignal('')
  const { fault, attempt } = useAttempt()
  const submit = async (): Promise<void> => {
    const { mqtt, isMqttEncrypted: isTls } = await ask('GET /addresses')
    const rules = [...TEMPLATES[template.value]]
    const { user, secret } = await ask('POST /users', {
      body: { name: name.value, credential: 'secret', groups: groupsIn(groups.value), rules },
    })
    const host = location.hostname
    added({ host, port: mqtt.port, isTls, name: user.name, secret: secret ?? '', atMs: user.addedAtMs ?? Date.now() })
  }
  return (
    <form
      class="card add-person"
      aria-label={text.addDevice}
      onSubmit={(event) => {
        event.preventDefault()
        attempt(submit)
      }}
    >
      <p class="quiet">{text.addDeviceHelp}</p>
      <label class="field">
        <span>{text.name}</span>
        <input
          required
          maxLength={256}
          pattern="[^/+#]+"
          autocomplete="off"
          autocapitalize="off"
          spellcheck={false}
          value={name.value}
          onInput={({ currentTarget }) => (name.value = currentTarget.value)}
        />
      </label>
      <fieldset class="field">
        <legend>{text.mayDo}</legend>
        {NAMES.map((one) => (
          <label key={one} class="field-check">
            <input
              type="radio"
              name="template"
              checked={template.value === one}
              onChange={() => (template.value = one)}
            />
            <span>{text.templates[one]}</span>
          </label>
        ))}
      </fieldset>
      <label class="field">
        <span>{text.groupsList}</span>
        <input
          autocapitalize="off"
          spellcheck={false}
          value={groups.value}
          onInput={({ currentTarget }) => (groups.value = currentTarget.value)}
        />
      </label>
      <p class="fault" role="alert">
        {fault.value}
      </p>
      <p class="buttons">
        <button type="submit" class="primary" disabled={name.value === ''}>
          {text.add}
        </button>
      </p>
    </form>
  )
}

function Credential({ device: { host, port, isTls, name, secret } }: { readonly device: NewDevice }) {
  const text = accountWords.value
  const scheme = isTls ? 'mqtts' : 'mqtt'
  const rows = [
    [text.address, `${host}:${port}`],
    [text.name, name],
    [text.secret, secret],
  ] as const
  return (
    <section class="card credential" aria-label={name}>
      <Qr text={`${scheme}://${encodeURIComponent(name)}:${secret}@${host}:${port}`} />
      <dl>
        {rows.map(([label, value]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>
              <code>{visible(value)}</code>
            </dd>
            <dd>
              <CopyButton value={value} name={label} />
            </dd>
          </div>
        ))}
      </dl>
      <p class="ask">{text.onlyNow}</p>
    </section>
  )
}

/** What a phone reads: the address with name and secret. */
function Qr({ text }: { readonly text: string }) {
  const { data, size } = encode(text, { ecc: 'M', border: 2 })
  const path = data.flatMap((row, y) => row.map((isDark, x) => (isDark ? `M${x} ${y}h1v1h-1z` : ''))).join('')
  return (
    <svg class="qr" viewBox={`0 0 ${size} ${size}`} role="img" aria-label="QR">
      <rect width={size} height={size} fill="#fff" />
      <path d={path} fill="#000" shape-rendering="crispEdges" />
    </svg>
  )
}

/** What the hub has seen of it since it was added: the first message, or what is wrong. */
function Waiting({ name, sinceMs }: { readonly name: string; readonly sinceMs: number }) {
  const text = accountWords.value
  const user = usePolled(LOOK_EVERY_MS, 'GET /users/:name', { params: { name } })
  const mishaps = usePolled(LOOK_EVERY_MS, 'GET /mishaps')?.mishaps ?? []
  const meanings: Readonly<Record<string, string>> = words.value.mishaps
  const device = conversations.value.find(({ id }) => id === `device/${name}`)
  const first = [...(device?.topics.values() ?? [])].find(({ publisher }) => publisher === name)
  const since = mishaps.filter(({ atMs, clientId }) => atMs >= sinceMs && (clientId === null || clientId === name))
  return (
    <section class="card" role="status" data-received={first !== undefined}>
      <h2>{first === undefined ? text.waitingFirst : text.firstMessage(visible(first.topic))}</h2>
      {user !== undefined && user.lastSeenAtMs !== null && (
        <p>{text.signedIn(moment(user.lastSeenAtMs), user.lastSeenHost ?? '')}</p>
      )}
      {user !== undefined && user.failures > 0 && (
        <p class="fault">{text.wrongSecret(String(user.failures), user.lastFailureHost ?? '')}</p>
      )}
      {first === undefined && since.length > 0 && (
        <ul class="seen">
          {since.slice(0, 3).map(({ atMs, kind, address, reason }) => (
            <li key={`${atMs} ${address}`} data-mishap={kind}>
              <b>{meanings[kind] ?? kind}</b>{' '}
              <span class="quiet">
                {address}: {reason}
              </span>
            </li>
          ))}
        </ul>
      )}
    </section>
  )
}

function ReadyCode({ device }: { readonly device: NewDevice }) {
  const text = accountWords.value
  const all = readyCode(device)
  const chosen = useSignal(all[0]?.[0] ?? '')
  const code = all.find(([name]) => name === chosen.value)?.[1] ?? ''
  return (
    <section class="card">
      <h2>{text.readyCode}</h2>
      <fieldset class="ready-names" aria-label={text.readyCode}>
        {all.map(([name]) => (
          <label key={name} class="field-check">
            <input type="radio" name="code" checked={chosen.value === name} onChange={() => (chosen.value = name)} />
            <span>{name}</span>
          </label>
        ))}
      </fieldset>
      <pre tabIndex={0} role="region" aria-label={chosen.value}>
        {code}
      </pre>
      {device.isTls && <p class="quiet">{text.needsCa}</p>}
      <CopyButton value={code} name={chosen.value} />
    </section>
  )
}
