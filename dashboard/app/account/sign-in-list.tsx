import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type { Answer } from '../../../src/http/api-types.ts'
import { ask, order } from '../state/api.ts'
import { moment } from '../words/format.ts'
import { browserName } from './browser-name.ts'
import { useAttempt } from './use-attempt.ts'
import { accountWords } from './words.ts'

/** Where somebody is signed in; each can be ended but the one that this page is. */
export function SignInList({ user }: { readonly user: string }) {
  const text = accountWords.value
  const signIns = useSignal<Answer<'GET /sessions'>['sessions']>([])
  const { fault, attempt } = useAttempt()
  const load = async (): Promise<void> => {
    signIns.value = (await ask('GET /sessions', { query: { user, limit: 1000 } })).sessions
  }
  const end = async (id: string): Promise<void> => {
    await order('DELETE /sessions/:id', { params: { id } })
    await load()
  }
  useEffect(() => attempt(load), [user])
  return (
    <>
      <ul class="sign-ins">
        {signIns.value.map(({ id, browser, host, seenAtMs, isThis }) => (
          <li key={id}>
            <span>
              <bdi title={browser}>{browserName(browser)}</bdi>
              <span class="quiet">
                <bdi>{host}</bdi>, {text.lastSeen(moment(seenAtMs))}
              </span>
            </span>
            {isThis ? (
              <span class="badge">{text.thisOne}</span>
            ) : (
              <button type="button" onClick={() => attempt(() => end(id))}>
                {text.end}
              </button>
            )}
          </li>
        ))}
      </ul>
      {fault.value !== undefined && <p class="fault">{fault.value}</p>}
    </>
  )
}
