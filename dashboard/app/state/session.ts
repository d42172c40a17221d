import { computed, effect, signal, untracked } from '@preact/signals'
import type { Answer } from '../../../src/http/api-types.ts'
import { ask, order, unauthorized } from './api.ts'
import { forgetTab } from './identity.ts'
import { store } from './stored.ts'

export type Session = Answer<'GET /session'>
export type Role = NonNullable<Session['role']>

/** Who signed in here last. */
const USER = 'hubbub.user'
/** What people wrote and sent here: not for whoever signs in after them. */
const PERSONAL = /^hubbub\.(?:drafts|unsent|sends\..*|name)$/

/** Who this page acts for; undefined until the hub has told. */
export const session = signal<Session | undefined>(undefined)

/** The hub wants to know who this is. */
export const isSignInNeeded = computed(() => session.value?.isSignInNeeded === true && session.value.user === null)

/** What who is here may do; without users, and as long as the hub has not told, everything. */
export const role = computed((): Role => session.value?.role ?? 'admin')

/** Whether who is here may do what these roles may. */
export const isOperator = computed(() => role.value !== 'viewer')
export const isAdmin = computed(() => role.value === 'admin')

/** Grows with each question: an answer that comes behind a later one is not taken. */
let asked = 0
let hasBegun = false

/** Whether the page has shown something already. */
export function isBegun(): boolean {
  return hasBegun
}

/** Asks who this page acts for. Nothing changes when the hub does not answer. */
export async function lookAtSession(): Promise<void> {
  const own = ++asked
  try {
    const answer = await ask('GET /session')
    if (own === asked) take(answer)
  } catch {
    // Without the hub the banner says so.
  }
}

/** @throws ProblemError when the hub does not let them in, any other when there was no answer of the hub */
export async function signIn(user: string, password: string): Promise<void> {
  asked++
  const answer = await ask('POST /session', { body: { user, password } })
  asked++
  take(answer)
}

/** Ends this sign-in, and begins anew: nothing of it stays on the page. @throws as `signIn` */
export async function signOut(): Promise<void> {
  await order('DELETE /session')
  location.reload()
}

/** Begins `work` when it is known who this is, or that nobody need be: to be called once. */
export function whenSignedIn(work: () => void): void {
  const end = effect(() => {
    if (isSignInNeeded.value || hasBegun) return
    hasBegun = true
    untracked(work)
    queueMicrotask(() => end())
  })
  effect(() => {
    // What a page that nobody is signed in on asks for is no news.
    if (unauthorized.value > 0 && !isSignInNeeded.peek()) void lookAtSession()
  })
}

/** Where somebody wanted to go who was led to sign in; undefined on the dashboard itself. Never to another site. */
export function destination(): string | undefined {
  if (!location.pathname.endsWith('/sign-in')) return undefined
  const to = new URL(new URLSearchParams(location.search).get('to') ?? './', location.href)
  return to.origin === location.origin && to.pathname !== location.pathname ? to.href : './'
}

function take(answer: Session): void {
  const { user } = answer
  const before = localStorage.getItem(USER)
  if (user !== null && user !== before) {
    store(USER, user)
    if (before !== null) forgetPersonal()
    // What the page knows, and its session with the hub, are of somebody else.
    if (before !== null || hasBegun) {
      forgetTab()
      location.reload()
      return
    }
  }
  session.value = answer
}

function forgetPersonal(): void {
  for (const storage of [localStorage, sessionStorage])
    for (const key of Object.keys(storage)) if (PERSONAL.test(key)) storage.removeItem(key)
}
