import { type Signal, useSignal } from '@preact/signals'
import { order } from '../state/api.ts'
import { session } from '../state/session.ts'
import { CopyButton } from './copy-button.tsx'
import { useAttempt } from './use-attempt.ts'
import { accountWords } from './words.ts'

/** Without those that look like others. */
const LETTERS = 'abcdefghijkmnpqrstuvwxyz23456789'
const PART = 4
const PARTS = 4

interface NewPasswordProps {
  readonly name: string
  readonly changed: () => Promise<void>
}

/** Gives somebody another password; of oneself, only with the one before. */
export function NewPassword({ name, changed }: NewPasswordProps) {
  const text = accountWords.value
  const password = useSignal('')
  const before = useSignal('')
  const isDone = useSignal(false)
  const { fault, attempt } = useAttempt()
  const isOwn = session.value?.user === name
  const submit = async (): Promise<void> => {
    const currentPassword = isOwn ? before.value : undefined
    await order('POST /users/:name/password', { params: { name }, body: { password: password.value, currentPassword } })
    isDone.value = true
    before.value = ''
    await changed()
  }
  return (
    <form
      class="new-password"
      onSubmit={(event) => {
        event.preventDefault()
        isDone.value = false
        attempt(submit)
      }}
    >
      {isOwn && (
        <label class="field">
          <span>{text.passwordNow}</span>
          <input
            type="password"
            autocomplete="current-password"
            required
            value={before.value}
            onInput={({ currentTarget }) => (before.value = currentTarget.value)}
          />
        </label>
      )}
      <PasswordField password={password} label={text.newPassword} />
      <button type="submit" disabled={password.value === ''}>
        {text.setPassword}
      </button>
      <p role="status" class="quiet">
        {isDone.value ? text.passwordSet : text.passwordEnds}
      </p>
      {fault.value !== undefined && <p class="fault">{fault.value}</p>}
    </form>
  )
}

interface PasswordFieldProps {
  readonly password: Signal<string>
  readonly label: string
}

/** A password that is seen, since it is to be handed on; one can be made. */
export function PasswordField({ password, label }: PasswordFieldProps) {
  const text = accountWords.value
  return (
    <div class="password-field">
      <label class="field field-grow">
        <span>{label}</span>
        <input
          autocomplete="off"
          autocapitalize="off"
          spellcheck={false}
          minLength={8}
          maxLength={1024}
          value={password.value}
          onInput={({ currentTarget }) => (password.value = currentTarget.value)}
        />
      </label>
      <button type="button" onClick={() => (password.value = madePassword())}>
        {text.makePassword}
      </button>
      <CopyButton value={password.value} name={label} />
    </div>
  )
}

/** `k7mq-2xw9-…`: 80 random bits, in letters that can be read out. */
function madePassword(): string {
  const letters = Array.from(crypto.getRandomValues(new Uint8Array(PARTS * PART)), (byte) => LETTERS[byte % 32] ?? '')
  return letters.join('').match(/.{4}/g)?.join('-') ?? ''
}
