import type { FastifyInstance, FastifyRequest } from 'fastify'

const WORDS = {
  en: {
    title: 'Sign in to Hubbub',
    name: 'Name',
    password: 'Password',
    signIn: 'Sign in',
    failed: 'The hub does not answer. Try again.',
    script: 'Signing in needs JavaScript.',
    wrong: 'The name or the password is not right.',
    slow: 'Too many are signing in at once, or there were too many failures. Try again later.',
    noRole: 'This is a device: it cannot sign in here.',
  },
  ru: {
    title: 'Вход в Hubbub',
    name: 'Имя',
    password: 'Пароль',
    signIn: 'Войти',
    failed: 'Хаб не отвечает. Попробуйте ещё раз.',
    script: 'Для входа нужен JavaScript.',
    wrong: 'Имя или пароль неверны.',
    slow: 'Сейчас входит слишком много людей, или было слишком много ошибок. Попробуйте позже.',
    noRole: 'Это устройство: войти здесь оно не может.',
  },
} as const

type Language = keyof typeof WORDS

const STYLE = `:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { display: grid; min-height: 100vh; margin: 0; place-items: center }
main { box-sizing: border-box; width: min(22rem, 100%); padding: 1.5rem }
h1 { font-size: 1.4rem }
label, input, button { display: block; box-sizing: border-box; width: 100%; font: inherit }
input, button { min-height: 2.75rem; margin: .25rem 0 1rem; padding: .5rem .75rem; border: 1px solid GrayText; border-radius: .5rem }
button { border-color: transparent; background: #1a56b0; color: #fff; cursor: pointer }
:focus-visible { outline: 3px solid #6ea0f0; outline-offset: 2px }
[hidden] { display: none }
`

const SCRIPT = `const form = document.querySelector('form')
const told = document.querySelector('[role=alert]')
const to = new URL(new URLSearchParams(location.search).get('to') ?? '.', location.href)
const here = new URL('.', location.href)
// Only to a place below this one: never to another site.
const goOn = () => location.replace(to.href.startsWith(here.href) && to.pathname !== location.pathname ? to : here)
form.addEventListener('submit', async (event) => {
  event.preventDefault()
  const { user, password } = Object.fromEntries(new FormData(form))
  told.textContent = ''
  try {
    const answer = await fetch('api/v1/session', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'X-Hubbub': '1' },
      body: JSON.stringify({ user, password }),
    })
    if (answer.ok || answer.status === 409) return goOn()
    const { detail } = await answer.json()
    const known = { 401: form.dataset.wrong, 429: form.dataset.slow, 503: form.dataset.slow }
    told.textContent = known[answer.status] ?? (detail.includes('has no role') ? form.dataset.noRole : detail)
  } catch {
    told.textContent = form.dataset.failed
  }
  form.password.value = ''
  form.password.focus()
})
`

/** Where one signs in when there is no dashboard, which has a form of its own: the description of the API is to be seen all the same. */
export function signInPage(app: FastifyInstance): void {
  const config = { role: 'open' } as const
  app.get('/sign-in', { config }, (request, reply) =>
    reply
      .type('text/html; charset=utf-8')
      .header('Cache-Control', 'no-store')
      .header('Vary', 'Accept-Language')
      .send(pageIn(languageOf(request))),
  )
  app.get('/sign-in.css', { config }, (_request, reply) => reply.type('text/css; charset=utf-8').send(STYLE))
  app.get('/sign-in.js', { config }, (_request, reply) => reply.type('text/javascript; charset=utf-8').send(SCRIPT))
}

function languageOf({ headers }: FastifyRequest): Language {
  const wanted = (headers['accept-language'] ?? '').split(',').map((part) => part.trim().slice(0, 2).toLowerCase())
  return wanted.find((language): language is Language => language in WORDS) ?? 'en'
}

function pageIn(language: Language): string {
  const { title, name, password, signIn, failed, script, wrong, slow, noRole } = WORDS[language]
  const data = `data-failed="${failed}" data-wrong="${wrong}" data-slow="${slow}" data-no-role="${noRole}"`
  return `<!doctype html>
<html lang="${language}">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${title}</title>
<link rel="stylesheet" href="sign-in.css">
<main>
<h1>${title}</h1>
<form ${data}>
<label for="user">${name}</label>
<input id="user" name="user" autocomplete="username" autocapitalize="none" spellcheck="false" required autofocus>
<label for="password">${password}</label>
<input id="password" name="password" type="password" autocomplete="current-password" required>
<button>${signIn}</button>
<p role="alert"></p>
</form>
<noscript>${script}</noscript>
</main>
<script src="sign-in.js"></script>
</html>
`
}
