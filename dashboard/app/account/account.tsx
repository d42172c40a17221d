// oxlint-disable-next-line import/no-unassigned-import -- Vite makes a style sheet of it that comes with this part
import './account.css'
import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type { Answer } from '../../../src/http/api-types.ts'
import { visible } from '../../worker/visible.ts'
import { ask, order } from '../state/api.ts'
import { session, signOut } from '../state/session.ts'
import { moment } from '../words/format.ts'
import { words } from '../words/words.ts'
import { browserName } from './browser-name.ts'
import { accountWords } from './words.ts'

type SignIns = Answer<'GET /sessions'>['sessions']

/** Who one is, where else one is signed in, and the way out. */
export function Account() {
  const text = accountWords.value
  const signIns = useSignal<SignIns>([])
  const fault = useSignal<string | undefined>(undefined)
  const { user, role, groups = [] } = session.value ?? { user: null, role: null }
  const attempt = (work: () => Promise<void>): void => {
    fault.value = undefined
    work().catch((error: unknown) => {
      fault.value = `${words.value.failed}: ${error instanceof Error ? error.message : String(error)}`
    })
  }
  const load = async (): Promise<void> => {
    if (user !== null) signIns.value = (await ask('GET /sessions', { query: { user, limit: 1000 } })).sessions
  }
  useEffect(() => attempt(load), [user])
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
      <ul class="sign-ins">
        {signIns.value.map((one) => (
          <li key={one.id}>
            <span>
              <bdi title={one.browser}>{browserName(one.browser)}</bdi>
              <span class="quiet">
                <bdi>{one.host}</bdi>, {text.lastSeen(moment(one.seenAtMs))}
              </span>
            </span>
            {one.isThis ? (
              <span class="badge">{text.thisOne}</span>
            ) : (
              <button
                type="button"
                onClick={() =>
                  attempt(async () => {
                    await order('DELETE /sessions/:id', { params: { id: one.id } })
                    await load()
                  })
                }
              >
                {text.end}
              </button>
            )}
          </li>
        ))}
      </ul>
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
