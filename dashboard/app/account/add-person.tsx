import { useSignal } from '@preact/signals'
import { ask } from '../state/api.ts'
import type { Role } from '../state/session.ts'
import { words } from '../words/words.ts'
import { PasswordField } from './new-password.tsx'
import { groupsIn } from './user-card.tsx'
import { useAttempt } from './use-attempt.ts'
import { accountWords } from './words.ts'

/** A form for somebody new. */
export function AddPerson({ added }: { readonly added: (name: string) => Promise<void> }) {
  const text = accountWords.value
  const name = useSignal('')
  const role = useSignal<Role>('viewer')
  const groups = useSignal('')
  const password = useSignal('')
  const { fault, attempt } = useAttempt()
  return (
    <form
      class="card add-person"
      aria-label={text.addPerson}
      onSubmit={(event) => {
        event.preventDefault()
        attempt(async () => {
          const body = { name: name.value, role: role.value, groups: groupsIn(groups.value), password: password.value }
          await ask('POST /users', { body })
          await added(name.value)
        })
      }}
    >
      <label class="field">
        <span>{text.name}</span>
        <input
          required
          maxLength={256}
          autocomplete="off"
          autocapitalize="off"
          spellcheck={false}
          value={name.value}
          onInput={({ currentTarget }) => (name.value = currentTarget.value)}
        />
      </label>
      <fieldset class="field">
        <legend>{text.role}</legend>
        <span class="segments">
          {(['viewer', 'operator', 'admin'] as const).map((one) => (
            <label key={one} class="segment">
              <input type="radio" name="new-role" checked={role.value === one} onChange={() => (role.value = one)} />
              <span>{words.value.roles[one]}</span>
            </label>
          ))}
        </span>
        <p class="quiet">{text.roleHelp[role.value]}</p>
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
      <PasswordField password={password} label={text.password} />
      <p class="quiet">{text.passwordHelp}</p>
      <p class="fault" role="alert">
        {fault.value}
      </p>
      <p class="buttons">
        <button type="submit" class="primary" disabled={name.value === '' || password.value === ''}>
          {text.add}
        </button>
      </p>
    </form>
  )
}
