import { describe, expect, test } from 'vitest'
import { en as accountEn, ru as accountRu } from '../../dashboard/app/account/dictionary.ts'
import { en as pageEn } from '../../dashboard/app/words/en.ts'
import { ru as pageRu } from '../../dashboard/app/words/ru.ts'

const en = { ...pageEn, accountParts: accountEn }
const ru = { ...pageRu, accountParts: accountRu }

/** All that a dictionary says, with the key of each; what has to be filled in is `x`. */
function sentences(words: object, path = ''): [key: string, sentence: string][] {
  return Object.entries(words).flatMap(([key, value]: [string, unknown]): [string, string][] => {
    const name = `${path}${key}`
    if (typeof value === 'string') return [[name, value]]
    if (typeof value === 'function') return [[name, String(value('x', 'x', 'x'))]]
    return typeof value === 'object' && value !== null ? sentences(value, `${name}.`) : []
  })
}

const LANGUAGES = [
  ['English', sentences(en)],
  ['Russian', sentences(ru)],
] as const

describe.each(LANGUAGES)('What the page says in %s', (language, all) => {
  test('has no space before an ellipsis or at either end', () => {
    expect(all.filter(([, sentence]) => / …|\.\.\./.test(sentence) || sentence.trim() !== sentence)).toEqual([])
  })

  test('has one kind of dash and of quotation mark', () => {
    const other = language === 'Russian' ? /[–"“”]/ : /["«»]/
    expect(all.filter(([, sentence]) => other.test(sentence))).toEqual([])
  })
})

test.each([
  ['English', en],
  ['Russian', ru],
] as const)('No sentence in %s has a plural beside a number that may be 1', (_language, all) => {
  const plurals = [all.messages, all.clientsCount].map(({ other }) => other)
  const fixed = new RegExp(`^x (?:${plurals.join('|')})(?!\\p{L})`, 'u')
  expect(sentences(all).filter(([, sentence]) => fixed.test(sentence))).toEqual([])
})

/** What a Russian reader of MQTT knows, and what is typed as it stands: the words of the protocol, of keys and of programs. */
const KNOWN =
  /\b(?:MQTT|QoS|Retain(?:ed)?|retained|will|PUB(?:LISH|ACK|REC|COMP)|DUP|JSON|HTTPS?|https?|TLS|WebSocket|PROXY protocol|[cC]lient id|Hex|Ctrl|Alt|Enter|Esc|mqtts?|ulimit|Hubbub|publicUrl|devices|ca\.pem|chat|temperature)\b/g

test('No sentence in Russian is half in English', () => {
  const rest = sentences(ru).map(([key, sentence]) => [key, sentence.replaceAll(KNOWN, '')] as const)
  expect(rest.filter(([, sentence]) => /[a-z]{2}/i.test(sentence))).toEqual([])
})
