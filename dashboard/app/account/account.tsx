// oxlint-disable-next-line import/no-unassigned-import -- Vite makes a style sheet of it that comes with this part
import './account.css'
import { visible } from '../../worker/visible.ts'
import { session, signOut } from '../state/session.ts'
import { words } from '../words/words.ts'
import { SignInList } from './sign-in-list.tsx'
import { useAttempt } from './use-attempt.ts'
import { accountWords } from './words.ts'

/** Who one is, where else one is signed in, and the way out. */
export function Account() {
  const text = accountWords.value
  const { fault, attempt } = useAttempt()
  const { user, role, groups = [] } = session.value ?? { user: null, role: null }
  return (
    <div class="account">
      <p>
        <b>
          <bdi>{visible(user ?? '')}</bdi>
        </b>{' '}
        {role !== null && <span class="badge">{words.value.roles[role]}</span>}
      </p>
      {role !== null && <p class="quiet">{text.roleHelp[role]}</p>}
      {groups.length > 0 && (
        <p>
          {text.groups}: <bdi>{groups.map(visible).join(', ')}</bdi>
        </p>
      )}
      <h3>{text.signIns}</h3>
      {user !== null && <SignInList user={user} />}
      <p class="fault" role="alert">
        {fault.value}
      </p>
      <p class="buttons">
        <button type="button" onClick={() => attempt(signOut)}>
          {text.signOut}
        </button>
      </p>
    </div>
  )
}
