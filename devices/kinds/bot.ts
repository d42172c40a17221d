import { Value } from 'typebox/value'
import type { Behaviour, Device, Kind } from '../kind.ts'
import { ChatMessage } from '../payloads.ts'
import { LOBBY } from '../topics.ts'
import { daylight } from '../world/curves.ts'

/** What it understands, and what it answers; the first that matches is used. `{from}` is who spoke, `{time}` the time of day. */
interface Answer {
  readonly to: RegExp
  readonly say: readonly [string, ...string[]]
}

const ENGLISH: readonly Answer[] = [
  { to: /\b(hi|hello|hey|good (morning|evening|day))\b/i, say: ['Hi {from}!', 'Hello {from}, good to see you.'] },
  { to: /\b(time|clock|late)\b/i, say: ['It is {time} UTC here.'] },
  { to: /\b(sun|dark|light|day|night)\b/i, say: ['It is {sky} outside.'] },
  { to: /\b(who|bot|name)\b/i, say: ['I live in this room. I am a program, but a friendly one.'] },
  { to: /\b(thanks|thank you|thx)\b/i, say: ['You are welcome, {from}.'] },
  { to: /\b(bye|good night)\b/i, say: ['Bye {from}!'] },
  {
    to: /\?\s*$/,
    say: ['I do not know. Ask a sensor, they have the facts.', 'Good question. What do the others think?'],
  },
  { to: /^/, say: ['I see.', 'Tell me more.', 'Noted, {from}.'] },
]

const RUSSIAN: readonly Answer[] = [
  { to: /привет|здравствуй|добр(ый|ое|ого)/i, say: ['Привет, {from}!', 'Здравствуйте, {from}, рад вас видеть.'] },
  { to: /врем|котор(ый|ого) час|поздно/i, say: ['У меня {time} по UTC.'] },
  { to: /солнц|темно|светло|день|ночь/i, say: ['На улице {sky}.'] },
  { to: /кто|бот|зовут|имя/i, say: ['Я живу в этой комнате. Я программа, зато дружелюбная.'] },
  { to: /спасибо|благодар/i, say: ['Пожалуйста, {from}.'] },
  { to: /пока|до свидания|спокойной/i, say: ['Пока, {from}!'] },
  { to: /\?\s*$/, say: ['Не знаю. Спросите у датчиков, у них факты.', 'Хороший вопрос. А что думают остальные?'] },
  { to: /^/, say: ['Понятно.', 'Расскажите подробнее.', 'Записал, {from}.'] },
]

/** Somebody in the lobby who answers what is said there, in the language it was said in. */
class Bot implements Behaviour {
  readonly #device: Device

  constructor(device: Device) {
    this.#device = device
  }

  heard(topic: string, payload: Buffer): void {
    const { from, text, isBot = false } = readChat(payload)
    // Programs that answer each other never end.
    if (isBot || text.trim() === '') return
    const isRussian = /\p{Script=Cyrillic}/u.test(text)
    const answer = this.#answer(text, from, isRussian)
    this.#device.after(this.#device.random.between(0.5, 2), () => {
      const message: ChatMessage = { from: this.#device.id, text: answer, isBot: true }
      this.#device.say(topic, message)
    })
  }

  #answer(text: string, from: string | undefined, isRussian: boolean): string {
    const { random, nowMs } = this.#device
    const answers = isRussian ? RUSSIAN : ENGLISH
    const { say } = answers.find(({ to }) => to.test(text)) ?? { say: ['…'] as const }
    const isLight = daylight(nowMs) > 0
    const sky = isRussian ? (isLight ? 'светло' : 'темно') : isLight ? 'light' : 'dark'
    return random
      .pick(say)
      .replace('{from}', from ?? (isRussian ? 'незнакомец' : 'stranger'))
      .replace('{time}', new Date(nowMs).toISOString().slice(11, 16))
      .replace('{sky}', sky)
  }
}

/** A message of the room as JSON, or plain text of nobody in particular. */
function readChat(payload: Buffer): { from?: string; text: string; isBot?: boolean } {
  const text = payload.toString()
  try {
    const value: unknown = JSON.parse(text)
    if (Value.Check(ChatMessage, value)) return value
  } catch {
    // Plain text.
  }
  return { text }
}

export const bot: Kind<Bot> = {
  name: 'bot',
  summary: 'answers in chat/lobby, in Russian or English as it is spoken to',
  everySeconds: 60,
  commands: {},
  rooms: [LOBBY],
  create: (device) => new Bot(device),
}
