/**
 * Control characters (ANSI colours among them), halves of surrogate pairs, what turns the direction of writing, and what has no width:
 * shown as signs, never obeyed. Line breaks and tabs stay; so do joiners, without which emoji and Persian fall apart.
 */
const UNSEEN =
  /(?![\t\n\r\u200c\u200d])[\p{Cc}\p{Cs}\u00ad\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\ufff9-\ufffb]/gu
const BLANK = /\s/g
const CONTROL_PICTURES = 0x2400

/** Signs for what cannot be seen. */
export function visible(text: string): string {
  return text.replace(UNSEEN, signOf)
}

/** Signs also for spaces and line breaks, for a text of nothing else. */
export function visibleBlank(text: string): string {
  return text.replace(BLANK, signOf)
}

/** The first characters of a text, without half of one. */
export function startOf(text: string, characters: number): string {
  return text.length > characters ? text.slice(0, characters).replace(/[\uD800-\uDBFF]$/, '') : text
}

function signOf(unseen: string): string {
  const code = unseen.codePointAt(0) ?? 0
  return code <= 0x20
    ? String.fromCodePoint(CONTROL_PICTURES + code)
    : `⟨${code.toString(16).toUpperCase().padStart(4, '0')}⟩`
}
