import { useSignal } from '@preact/signals'
import type { Answer } from '../../../src/http/api-types.ts'
import { visible } from '../../worker/visible.ts'
import { Icon } from '../icons.tsx'
import { ask, order } from '../state/api.ts'
import type { Role } from '../state/session.ts'
import { moment } from '../words/format.ts'
import { words } from '../words/words.ts'
import { CopyButton } from './copy-button.tsx'
import { NewPassword } from './new-password.tsx'
import { SignInList } from './sign-in-list.tsx'
import { useAttempt } from './use-attempt.ts'
import { accountWords } from './words.ts'

export type User = Answer<'GET /users/:name'>

const ROLES: readonly Role[] = ['viewer', 'operator', 'admin']

interface UserCardProps {
  readonly user: User
  /** Called after each change. */
  readonly changed: () => Promise<void>
  readonly close: () => void
}

/** One person or device: what it is, and all that an admin does to it. */
export function UserCard({ user, changed, close }: UserCardProps) {
  const text = accountWords.value
  const { name, role, rules, note, addedAtMs, lastFailureAtMs, lastFailureHost, failures } = user
  const isAsked = useSignal(false)
  const secret = useSignal<string | undefined>(undefined)
  const { fault, attempt } = useAttempt()
  const change = async (body: { role?: Role; groups?: string[] }): Promise<void> => {
    await ask('POST /users/:name', { params: { name }, body })
    await changed()
  }
  const changeRole = async (wanted: Role): Promise<void> => {
    try {
      await change({ role: wanted })
    } catch (error) {
      // The browser has marked what was clicked.
      await changed()
      throw error
    }
  }
  return (
    <section class="card user-card" aria-label={name}>
      <header>
        <h2>
          <bdi>{visible(name)}</bdi>
        </h2>
        <button type="button" class="icon-button" aria-label={words.value.close} onClick={close}>
          <Icon name="close" />
        </button>
      </header>
      {addedAtMs !== null && <p class="quiet">{text.added(moment(addedAtMs))}</p>}
      {note !== '' && <p>{visible(note)}</p>}
      {failures > 0 && lastFailureAtMs !== null && (
        <p class="fault">{text.failed(String(failures), moment(lastFailureAtMs), lastFailureHost ?? '')}</p>
      )}
      {role !== null && (
        <fieldset class="field">
          <legend>{text.role}</legend>
          <span class="segments">
            {ROLES.map((one) => (
              <label key={one} class="segment">
                <input
                  type="radio"
                  name="role"
                  checked={role === one}
                  onChange={() => attempt(() => changeRole(one))}
                />
                <span>{words.value.roles[one]}</span>
              </label>
            ))}
          </span>
          <p class="quiet">{text.roleHelp[role]}</p>
        </fieldset>
      )}
      <Groups user={user} save={(groups) => attempt(() => change({ groups }))} />
      {rules.length > 0 && (
        <>
          <h3>{text.ownRules}</h3>
          <ul class="filters">
            {rules.map((rule) => (
              <li key={rule}>
                <code>{visible(rule)}</code>
              </li>
            ))}
          </ul>
        </>
      )}
      {role === null ? (
        <div class="buttons">
          <button
            type="button"
            onClick={() =>
              attempt(async () => {
                secret.value = (await ask('POST /users/:name/secret', { params: { name } })).secret ?? undefined
                await changed()
              })
            }
          >
            {text.newSecret}
          </button>
          <p class="quiet">{text.newSecretHelp}</p>
        </div>
      ) : (
        <>
          <NewPassword name={name} changed={changed} />
          <h3>{text.signInsOf}</h3>
          <SignInList user={name} />
        </>
      )}
      <div role="status">
        {secret.value !== undefined && (
          <p class="ask">
            {text.shownOnce} <code>{secret.value}</code>
            <CopyButton value={secret.value} name={text.secret} />
          </p>
        )}
      </div>
      <p class="fault" role="alert">
        {fault.value}
      </p>
      {isAsked.value ? (
        <p class="ask">
          {text.removeAsk(visible(name))}
          <button
            type="button"
            class="danger"
            onClick={() =>
              attempt(async () => {
                isAsked.value = false
                await order('DELETE /users/:name', { params: { name } })
                close()
                await changed()
              })
            }
          >
            {text.remove}
          </button>
          <button type="button" onClick={() => (isAsked.value = false)}>
            {words.value.cancel}
          </button>
        </p>
      ) : (
        <p>
          <button type="button" class="danger" onClick={() => (isAsked.value = true)}>
            {text.remove}
          </button>
        </p>
      )}
    </section>
  )
}

interface GroupsProps {
  readonly user: User
  readonly save: (groups: string[]) => void
}

function Groups({ user: { groups }, save }: GroupsProps) {
  const text = accountWords.value
  const kept = groups.join(', ')
  const written = useSignal<string | undefined>(undefined)
  const value = written.value ?? kept
  return (
    <form
      class="user-groups"
      onSubmit={(event) => {
        event.preventDefault()
        save(groupsIn(value))
        written.value = undefined
      }}
    >
      <label class="field field-grow">
        <span>{text.groupsList}</span>
        <input
          value={value}
          spellcheck={false}
          autocapitalize="off"
          onInput={({ currentTarget }) => (written.value = currentTarget.value)}
        />
      </label>
      <button type="submit" disabled={value === kept}>
        {text.save}
      </button>
    </form>
  )
}

/** The names between commas, each once. */
export function groupsIn(text: string): string[] {
  const names = text.split(',').map((name) => name.trim())
  return [...new Set(names)].filter((name) => name !== '')
}
