/** Phrases that a reader stumbles over; what to say instead, and why. */
export const BANNED: readonly (readonly [phrase: string, instead: string, why: string])[] = [
  ['is wanted', 'is required', 'a person wants something; an option is required, and an error says what must be'],
  ['null is no limit', 'null means unlimited', 'it can be read as: null does not limit anything'],
  ['be had', 'be available', 'out of use; software is available or not'],
  ['for ever', 'forever', 'one word'],
  ['serieses', 'series', 'series is its own plural'],
  ['is come', 'has come', 'the perfect tense takes have'],
  ['shall be', 'must be', 'shall belongs in contracts; say what must be, or what happens'],
  ['is no JSON', 'is not JSON', '"is no" is German; English says "is not"'],
  ['puts down', 'writes', 'to put something down is to insult it or to drop it'],
  ['for want of', 'because there is no', 'out of use'],
  ['at work on it', 'using it', 'a hub uses a folder, it does not work on it'],
  ['what of', 'the part that', 'the start of a chain such as "what of a packet is neither"'],
]

const PATTERNS = BANNED.map(([phrase, instead]) => ({
  pattern: new RegExp(`\\b${phrase.replaceAll(' ', '\\s+')}\\b`, 'gi'),
  message: `"${phrase}", say "${instead}"`,
}))

/** A line's end with what a comment or a string in pieces has around it. */
const LINE_END = /(?:['"`] \+)?[ \t]*\n[ \t]*(?:\*(?!\/)|\/\/|#|['"`])?[ \t]*/g

/** The banned phrases in a text, also across lines of a comment, each as `3: "for ever", say "forever"`. */
export function findBanned(text: string): string[] {
  const joined = text.replaceAll(LINE_END, '\n')
  return PATTERNS.flatMap(({ pattern, message }) =>
    Array.from(joined.matchAll(pattern), ({ index }) => `${joined.slice(0, index).split('\n').length}: ${message}`),
  )
}
