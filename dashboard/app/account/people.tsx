// oxlint-disable-next-line import/no-unassigned-import -- Vite makes a style sheet of it that comes with this part
import './people.css'
// oxlint-disable-next-line import/no-unassigned-import -- as above
import './account.css'
import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { visible } from '../../worker/visible.ts'
import { PageHead } from '../pages/page-head.tsx'
import { ask } from '../state/api.ts'
import { moment } from '../words/format.ts'
import { words } from '../words/words.ts'
import { AddPerson } from './add-person.tsx'
import { type User, UserCard } from './user-card.tsx'
import { useAttempt } from './use-attempt.ts'
import { accountWords } from './words.ts'

const PAGE = 200
/** So that not every letter asks the hub. */
const TYPING_MS = 200

/** Who may come to the hub: people, who have a role, and devices. For admins. */
export function People() {
  const text = accountWords.value
  const kind = useSignal<'people' | 'devices'>('people')
  const search = useSignal('')
  /** Undefined: not known yet. */
  const users = useSignal<readonly User[] | undefined>(undefined)
  const cursor = useSignal<string | null>(null)
  const chosen = useSignal<string | undefined>(undefined)
  const isAdding = useSignal(false)
  const { fault, attempt } = useAttempt()
  const load = async (from?: string): Promise<void> => {
    const q = search.value === '' ? undefined : search.value
    const page = await ask('GET /users', { query: { q, limit: PAGE, cursor: from } })
    users.value = from === undefined ? page.users : [...(users.value ?? []), ...page.users]
    cursor.value = page.nextCursor
  }
  useEffect(() => {
    const timer = setTimeout(() => attempt(() => load()), users.value === undefined ? 0 : TYPING_MS)
    return () => clearTimeout(timer)
  }, [search.value])
  const shown = (users.value ?? []).filter(({ role }) => (role === null) === (kind.value === 'devices'))
  const user = users.value?.find(({ name }) => name === chosen.value)
  return (
    <main class="page" tabIndex={-1}>
      <PageHead title={words.value.people} />
      <div class="toolbar">
        <fieldset class="segments" aria-label={words.value.people}>
          {(['people', 'devices'] as const).map((one) => (
            <label key={one} class="segment">
              <input
                type="radio"
                name="people"
                checked={kind.value === one}
                onChange={() => {
                  kind.value = one
                  chosen.value = undefined
                }}
              />
              <span>{text.kinds[one]}</span>
            </label>
          ))}
        </fieldset>
        <label class="field field-grow">
          <span>{words.value.searchShort}</span>
          <input
            type="search"
            value={search.value}
            placeholder={text.searchUsers}
            onInput={({ currentTarget }) => (search.value = currentTarget.value)}
          />
        </label>
        <button type="button" aria-expanded={isAdding.value} onClick={() => (isAdding.value = !isAdding.value)}>
          {text.addPerson}
        </button>
        <a class="button" href="#/add-device">
          {text.addDevice}
        </a>
      </div>
      {isAdding.value && (
        <AddPerson
          added={async (name) => {
            isAdding.value = false
            kind.value = 'people'
            search.value = ''
            await load()
            chosen.value = name
          }}
        />
      )}
      {fault.value !== undefined && <p class="fault">{fault.value}</p>}
      <div class="people" data-chosen={user !== undefined}>
        {users.value !== undefined && shown.length === 0 ? (
          <p class="quiet">{text.none[kind.value]}</p>
        ) : (
          <Table users={shown} chosen={user?.name} choose={(name) => (chosen.value = name)} />
        )}
        {user !== undefined && (
          <UserCard
            key={user.name}
            user={user}
            changed={load}
            close={() => {
              chosen.value = undefined
            }}
          />
        )}
      </div>
      {cursor.value !== null && (
        <p class="buttons">
          <button type="button" onClick={() => attempt(() => load(cursor.value ?? undefined))}>
            {words.value.more}
          </button>
        </p>
      )}
    </main>
  )
}

interface TableProps {
  readonly users: readonly User[]
  readonly chosen: string | undefined
  readonly choose: (name: string) => void
}

function Table({ users, chosen, choose }: TableProps) {
  const text = accountWords.value
  return (
    <div class="table-frame" role="region" aria-label={words.value.people} tabIndex={0}>
      <table class="rows users">
        <thead>
          <tr>
            <th scope="col">{text.name}</th>
            <th scope="col">{text.role}</th>
            <th scope="col">{text.groups}</th>
            <th scope="col">{text.seen}</th>
            <th scope="col">{text.failures}</th>
          </tr>
        </thead>
        <tbody>
          {users.map(({ name, role, groups, lastSeenAtMs, lastSeenHost, failures, lastFailureHost }) => (
            <tr key={name} data-chosen={name === chosen}>
              <th scope="row">
                <button type="button" class="user-name" aria-pressed={name === chosen} onClick={() => choose(name)}>
                  <bdi>{visible(name)}</bdi>
                </button>
              </th>
              <td>{role === null ? text.device : words.value.roles[role]}</td>
              <td>
                <bdi>{groups.map(visible).join(', ')}</bdi>
              </td>
              <td title={lastSeenHost ?? undefined}>{lastSeenAtMs === null ? text.notSeen : moment(lastSeenAtMs)}</td>
              <td class={failures > 0 ? 'fault' : undefined} title={lastFailureHost ?? undefined}>
                {failures}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
