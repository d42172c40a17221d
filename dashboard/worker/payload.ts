import { compareJson, numberAt } from './compare.ts'
import { jsonRows, type Rows } from './json-rows.ts'
import { type ChatText, readChat } from './chat.ts'
import type { Form, JsonPath, PayloadRow, PayloadView } from './protocol.ts'
import { startOf, visible, visibleBlank } from './visible.ts'

const PREVIEW_BYTES = 600
const PREVIEW_CHARACTERS = 280
const BLANK_CHARACTERS = 40
const HEX_BYTES = 48
/** A chat message is read whole up to here. */
const CHAT_BYTES = 16_384
const MAX_ROWS = 2000
const TEXT_LINE = 400
const HEX_LINE = 16
/** A little less than what the hub sends of a payload in short, which it does not cut within a character. */
const START_BYTES = 4000
/** Bytes of a payload of which a view is made at all. */
const VIEW_BYTES = 8 * 1024 * 1024
/** Longer payloads are not read for a chart. */
const SERIES_BYTES = 65_536

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const lenient = new TextDecoder('utf-8', { ignoreBOM: true })

export interface Glance {
  readonly form: Form
  readonly preview: string
  /** There is more than the preview has. */
  readonly isCut: boolean
  readonly chat: ChatText | undefined
  readonly number: number | undefined
}

/** What a list shows of a payload; costs the same for any size. */
export function glance(payload: Uint8Array, topic: string): Glance {
  const nothing = { chat: undefined, number: undefined }
  if (payload.length === 0) return { form: 'empty', preview: '', isCut: false, ...nothing }
  const start = decodeStart(payload)
  if (start === undefined) {
    return {
      form: 'binary',
      preview: hexOf(payload.subarray(0, HEX_BYTES)),
      isCut: payload.length > HEX_BYTES,
      ...nothing,
    }
  }
  const text = start.trim()
  const isJson = /^[{["\-\dtfn]/.test(text) && looksLikeJson(text)
  // Of nothing but spaces there would be nothing to see, and nothing to click.
  const preview =
    text === ''
      ? visibleBlank(startOf(start, BLANK_CHARACTERS))
      : visible(startOf(text, PREVIEW_CHARACTERS).replace(/\s+/g, ' '))
  const number = /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(text) ? Number(text) : undefined
  const chat = topic.startsWith('chat/') && payload.length <= CHAT_BYTES ? chatIn(payload) : undefined
  const isCut =
    payload.length > PREVIEW_BYTES || (text === '' ? start.length > BLANK_CHARACTERS : text.length > PREVIEW_CHARACTERS)
  return { form: isJson ? 'json' : 'text', preview, isCut, chat, number }
}

/** A payload as rows; `left` bytes are not in them. */
export function look(payload: Uint8Array, view: PayloadView): Rows {
  if (view === 'hex') return hexRows(payload)
  const text = lenient.decode(payload.subarray(0, VIEW_BYTES))
  const unread = Math.max(0, payload.length - VIEW_BYTES)
  if (view === 'json') {
    const { rows, left } = jsonRows(text, MAX_ROWS)
    return {
      rows: rows.map((row) => Object.assign(row, { key: visible(row.key), text: visible(row.text) })),
      left: left + unread,
    }
  }
  const rows: PayloadRow[] = []
  let at = 0
  let lineEnd = -1
  let isContinued = false
  while (at < text.length && rows.length < MAX_ROWS) {
    // Not looked for at each row: a line may be as long as the payload.
    if (lineEnd < at) lineEnd = text.indexOf('\n', at)
    if (lineEnd === -1) lineEnd = text.length
    const line = startOf(text.slice(at, Math.min(lineEnd, at + TEXT_LINE + 1)), TEXT_LINE)
    rows.push({ depth: 0, key: '', text: visible(line), type: 'text', isContinued })
    at += line.length
    isContinued = at !== lineEnd
    if (!isContinued) at++
  }
  return { rows, left: Math.max(0, text.length - at) + unread }
}

/** What is other in a payload than in the one before it. */
export function compare(payload: Uint8Array, before: Uint8Array): Rows {
  const [text, old] = [payload, before].map((bytes) => lenient.decode(bytes.subarray(0, VIEW_BYTES)))
  const { rows, left } = compareJson(text ?? '', old ?? '')
  return {
    rows: rows.map((row) => Object.assign(row, { key: visible(row.key), text: visible(row.text) })),
    left: left + Math.max(0, payload.length - VIEW_BYTES),
  }
}

/** The number at a path of a JSON payload that is not too long; null where there is none. */
export function numberIn(payload: Uint8Array | undefined, path: JsonPath): number | null {
  if (payload === undefined || payload.length > SERIES_BYTES) return null
  try {
    return numberAt(JSON.parse(lenient.decode(payload)), path)
  } catch {
    return null
  }
}

/** The hashes of a message, of whose payload all is here or how it begins. */
export function hashesOf(payload: Uint8Array, isWhole: boolean): { hash: number; wholeHash: number | undefined } {
  const hash = hashOf(payload.subarray(0, START_BYTES))
  const wholeHash = payload.length > START_BYTES ? hashOf(payload) : hash
  return { hash, wholeHash: isWhole ? wholeHash : undefined }
}

/** 32 bits of FNV-1a. */
function hashOf(payload: Uint8Array): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < payload.length; index++) hash = Math.imul(hash ^ (payload[index] ?? 0), 0x01000193)
  return hash >>> 0
}

function decodeStart(payload: Uint8Array): string | undefined {
  // A character that the limit cuts through is not a fault.
  for (let end = Math.min(payload.length, PREVIEW_BYTES), cut = 0; cut < 4; cut++, end--) {
    try {
      return strict.decode(payload.subarray(0, end))
    } catch {
      if (payload.length <= PREVIEW_BYTES) return undefined
    }
  }
  return undefined
}

function looksLikeJson(start: string): boolean {
  if (start.length < PREVIEW_CHARACTERS) {
    try {
      JSON.parse(start)
      return true
    } catch {
      return false
    }
  }
  return /^[{[]\s*["{[\]}\-\dtfn]/.test(start)
}

function chatIn(payload: Uint8Array): ChatText | undefined {
  try {
    const chat = readChat(strict.decode(payload))
    return chat === undefined ? undefined : { ...chat, from: visible(chat.from), text: visible(chat.text) }
  } catch {
    // Not UTF-8.
    return undefined
  }
}

function hexRows(payload: Uint8Array): Rows {
  const rows: PayloadRow[] = []
  for (let at = 0; at < payload.length && rows.length < MAX_ROWS; at += HEX_LINE) {
    const line = payload.subarray(at, at + HEX_LINE)
    const letters = Array.from(line, (byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCodePoint(byte) : '·')).join(
      '',
    )
    rows.push({
      depth: 0,
      key: at.toString(16).padStart(6, '0'),
      text: `${hexOf(line).padEnd(HEX_LINE * 3 - 1)}  ${letters}`,
      type: 'hex',
    })
  }
  return { rows, left: Math.max(0, payload.length - rows.length * HEX_LINE) }
}

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ')
}
