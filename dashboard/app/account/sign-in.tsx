// oxlint-disable-next-line import/no-unassigned-import -- Vite makes a style sheet of it that comes with this part
import './sign-in.css'
import { useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { Icon } from '../icons.tsx'
import { ProblemError } from '../state/api.ts'
import { dialog } from '../state/layout.ts'
import { isBegun, session, signIn } from '../state/session.ts'
import { words } from '../words/words.ts'
import { accountWords } from './words.ts'

const LOCAL = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/
const SHOWN = { type: 'text' } as const
const HIDDEN = { type: 'password' } as const

/** Lies over all of the page until somebody has signed in; what was open goes on below it. */
export function SignIn() {
  const text = accountWords.value
  const user = useSignal('')
  const password = useSignal('')
  const isShown = useSignal(false)
  const isChecking = useSignal(false)
  const fault = useSignal<string | undefined>(undefined)
  const nameInput = useRef<HTMLInputElement>(null)
  const passwordInput = useRef<HTMLInputElement>(null)
  useEffect(() => {
    const before = document.activeElement
    dialog.value = undefined
    nameInput.current?.focus()
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus()
    }
  }, [])
  const submit = async (): Promise<void> => {
    if (isChecking.value) return
    if (user.value === '' || password.value === '') {
      fault.value = text.missing
      const empty = user.value === '' ? nameInput : passwordInput
      empty.current?.focus()
      return
    }
    isChecking.value = true
    // So that the same words are read aloud again.
    fault.value = undefined
    try {
      await signIn(user.value, password.value)
    } catch (error) {
      fault.value = faultOf(error)
      passwordInput.current?.select()
    }
    isChecking.value = false
  }
  return (
    <main class="gate">
      <form
        aria-busy={isChecking.value}
        onSubmit={(event) => {
          event.preventDefault()
          void submit()
        }}
      >
        <header>
          <Mark />
          <div>
            <h1>{text.signInTo}</h1>
            <p class="quiet">{location.host}</p>
          </div>
        </header>
        {isBegun() && <p class="gate-ended">{text.ended}</p>}
        <label class="field">
          <span>{text.name}</span>
          <input
            ref={nameInput}
            name="username"
            autocomplete="username"
            autocapitalize="off"
            spellcheck={false}
            maxLength={1024}
            value={user.value}
            onInput={({ currentTarget }) => (user.value = currentTarget.value)}
          />
        </label>
        <div class="field">
          <label for="gate-password">{text.password}</label>
          <span class="gate-password">
            <input
              id="gate-password"
              ref={passwordInput}
              name="password"
              {...(isShown.value ? SHOWN : HIDDEN)}
              autocomplete="current-password"
              autocapitalize="off"
              spellcheck={false}
              value={password.value}
              aria-invalid={fault.value !== undefined}
              aria-describedby="gate-fault"
              onInput={({ currentTarget }) => (password.value = currentTarget.value)}
            />
            <button
              type="button"
              class="icon-button"
              aria-pressed={isShown.value}
              aria-label={text.showPassword}
              title={text.showPassword}
              onClick={() => (isShown.value = !isShown.value)}
            >
              <Eye />
            </button>
          </span>
          <p id="gate-fault" class="fault" role="alert">
            {fault.value}
          </p>
        </div>
        <button type="submit" class="primary">
          {isChecking.value ? text.checking : text.signIn}
        </button>
        <p class="quiet">
          {text.forgotten} <code>hubbub user passwd {user.value === '' ? 'NAME' : user.value}</code>
        </p>
        <Encryption />
      </form>
    </main>
  )
}

/** Who is about to type a password should know who can read it. */
function Encryption() {
  const text = accountWords.value
  const isEncrypted = session.value?.isEncrypted === true
  if (!isEncrypted && LOCAL.test(location.hostname)) return null
  return (
    <p class="gate-wire" data-open={!isEncrypted}>
      <Icon name={isEncrypted ? 'lock' : 'warning'} />
      {isEncrypted ? text.encrypted : text.open}
    </p>
  )
}

function faultOf(error: unknown): string {
  const { faults, hubGone } = accountWords.value
  if (!(error instanceof ProblemError)) return hubGone
  const meanings: Readonly<Record<string, string>> = faults
  return meanings[error.kind] ?? `${words.value.failed}: ${error.message}`
}

function Mark() {
  return (
    <svg class="gate-mark" viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="9" fill="#2f6fed" />
      <path
        d="M8 10a3 3 0 0 1 3-3h10a3 3 0 0 1 3 3v7a3 3 0 0 1-3 3h-7l-4.200 4.100a.5.5 0 0 1-.8-.4V19.800A3 3 0 0 1 8 17z"
        fill="#fff"
      />
      <path
        d="M12 13.500l2.300 2.300 4.700-4.700"
        fill="none"
        stroke="#2f6fed"
        stroke-width="2"
        stroke-linecap="round"
      />
    </svg>
  )
}

function Eye() {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d="M2.500 12S6 5.500 12 5.500 21.500 12 21.500 12 18 18.500 12 18.500 2.500 12 2.500 12M12 9.500a2.500 2.500 0 1 1 0 5a2.500 2.500 0 1 1 0-5" />
    </svg>
  )
}
