import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { Gate } from '../../src/auth/gate.ts'
import type { Role } from '../../src/auth/identity.ts'
import type { Rule } from '../../src/auth/rules/rule.ts'
import { accessOf } from '../support/gate.ts'
import { type HttpTestHub, startHubWithHttp } from '../support/start-hub.ts'
import { testFolder, testUsers } from '../support/users.ts'

export const PASSWORD = 'correct horse battery'

interface Guarded {
  /** People with `PASSWORD`, by name; devices are added by the test. */
  readonly people: Readonly<Record<string, Role>>
  readonly rules?: readonly ((line: number) => Rule)[]
  readonly config?: NonNullable<Parameters<typeof startHubWithHttp>[0]>['config']
}

/** The users of a file, and a gate that they and these rules make. */
export async function guard({ people, rules = [] }: Omit<Guarded, 'config'>) {
  const access = accessOf(rules)
  let gate: Gate | undefined
  const { users } = await testUsers(undefined, { changed: () => gate?.change(users, access) })
  for (const [name, role] of Object.entries(people))
    await users.changes.add(name, { password: Buffer.from(PASSWORD) }, { role })
  gate = new Gate(users, access)
  return { users, gate }
}

/** A hub with users of a file of its own. */
export async function startGuardedHub({
  config,
  ...who
}: Guarded): Promise<HttpTestHub & Awaited<ReturnType<typeof guard>>> {
  const { users, gate } = await guard(who)
  const started = await startHubWithHttp({ gate, ...(config === undefined ? {} : { config }) })
  return { ...started, users, gate }
}

/** Fills in the form that lies over the page, and sends it. */
export async function fillSignIn(page: Page, user: string, password = PASSWORD): Promise<void> {
  await page.getByRole('textbox', { name: /^(?:Name|Имя)$/ }).fill(user)
  await page.locator('#gate-password').fill(password)
  await page.keyboard.press('Enter')
}

/** Signs in, and waits until the page goes on. */
export async function signIn(page: Page, user: string): Promise<void> {
  await page.locator('.gate form').waitFor()
  await fillSignIn(page, user)
  await page.locator('.gate').waitFor({ state: 'detached' })
  await page.locator('[data-link="online"]').waitFor()
}

/** A hub whose users stand in a file that it reads by itself, with the first of them: the admin anna. */
export async function startPeopledHub(config: Guarded['config'] = {}): Promise<HttpTestHub> {
  const file = join(testFolder(), 'users.ndjson')
  const started = await startHubWithHttp({ config: { ...config, users: { file } } })
  const { status } = await fetch(`http://127.0.0.1:${started.httpPort}/api/v1/users`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'X-Hubbub': '1' },
    body: JSON.stringify({ name: 'anna', password: PASSWORD }),
  })
  if (status !== 200) throw new Error(`the first user was not added: ${status}`)
  return started
}
