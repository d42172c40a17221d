/** What the page and its MQTT worker say to each other. */

import type { Announcement } from './announcement.ts'
import type { ChatText } from './chat.ts'
import type { Refusal } from './reply.ts'

export type QoS = 0 | 1 | 2

/** What a payload is at a glance. */
export type Form = 'json' | 'text' | 'binary' | 'empty'

/** A message that came, as a list needs it: its payload stays in the worker until somebody looks at it. */
export interface Arrived {
  readonly kind: 'arrived'
  /** Its number in the worker; asks for the payload. */
  readonly id: number
  readonly topic: string
  /** The start of the payload on one line. */
  readonly preview: string
  /** There is more than the preview has. */
  readonly isCut: boolean
  readonly form: Form
  readonly bytes: number
  /** Of how the payload begins: equal payloads have equal hashes, others that differ there differ with near certainty. */
  readonly hash: number
  /** Of all of it; undefined when only the beginning is here. */
  readonly wholeHash: number | undefined
  readonly qos: QoS
  readonly retain: boolean
  readonly isDuplicate: boolean
  readonly atMs: number
  /** Of a chat message `{"from", "text"}`. */
  readonly chat: ChatText | undefined
  /** The value if the payload is one number, for sparklines. */
  readonly number: number | undefined
  /** The User Property `receipt`: its publisher's name for it. */
  readonly receipt: string | undefined
  /** Correlation Data as text. */
  readonly correlation: string | undefined
  /** The client that published it; only history and what is retained know. */
  readonly publisher: string | undefined
  readonly properties: readonly (readonly [name: string, value: string])[]
  /** Properties that are not listed, because there are very many. */
  readonly omittedProperties: number
}

/** What a message that is to be sent has gone through, newest last. */
export type SendStep =
  | 'waiting'
  | 'written'
  | 'puback'
  | 'pubrec'
  | 'pubcomp'
  | 'nobody'
  | 'refused'
  | 'not-sent'
  | 'receipt'
  | 'reply'

/** Something became of a message that was sent. */
export interface SendChange {
  readonly kind: 'send'
  /** The value of its User Property `receipt`. */
  readonly id: string
  readonly step: SendStep
  readonly atMs: number
  readonly reasonCode: number | undefined
  /** The hub's words, if it had any. */
  readonly reason: string | undefined
  readonly receipt: Receipt | undefined
  /** Of a reply that says no. */
  readonly refusal?: Refusal | undefined
}

/** What the hub tells on `$hub/receipts/<client id>`. */
export interface Receipt {
  readonly receipt: string
  readonly atMs: number
  readonly matched: number
  readonly refused?: string
  readonly counts: Readonly<Record<string, number>>
  readonly receivers: readonly Receiver[]
  readonly omittedReceivers: number
  readonly isFinal: boolean
}

export interface Receiver {
  readonly clientId: string | null
  readonly group?: string
  readonly outcome: string
  readonly reason?: string
  readonly qos: QoS
  readonly afterMs: number
}

/** Whether the page is connected. */
export interface LinkChange {
  readonly kind: 'link'
  readonly state: 'connecting' | 'online' | 'offline'
  readonly atMs: number
  /** When it tries next, in ms since 1970. */
  readonly retryAtMs: number | undefined
  /** Why it is not connected. */
  readonly reason: string | undefined
  /** The hub itself did not let the page in, or ended the connection: perhaps nobody is signed in any more. */
  readonly isRefused: boolean
  readonly clientId: string
}

/** Messages that were let go unseen, because more came than a frame can show. */
export interface Overflow {
  readonly kind: 'overflow'
  readonly messages: number
}

/** From now on all that matches a filter comes. */
export interface Watching {
  readonly kind: 'watching'
  readonly filter: string
  /** The hub had kept the session: what waited in it comes as well. */
  readonly isResumed: boolean
}

/** The hub does not let the page subscribe to a filter. */
export interface NotGranted {
  readonly kind: 'not-granted'
  readonly filter: string
  readonly reason: string
}

export type BatchEntry = Watching | NotGranted | Arrived | SendChange | LinkChange | Overflow

export interface Outgoing {
  readonly id: string
  readonly topic: string
  readonly payload: string
  readonly qos: QoS
  readonly retain: boolean
  /** Asks for a reply on the worker's own reply topic. */
  readonly wantsReply: boolean
}

/** How a payload is looked at. */
export type PayloadView = 'json' | 'text' | 'hex'

export interface PayloadRow {
  readonly depth: number
  /** Of a JSON member; '' where there is none. */
  readonly key: string
  /** As it was sent: numbers are never altered. */
  readonly text: string
  readonly type:
    | 'string'
    | 'number'
    | 'word'
    | 'open'
    | 'close'
    | 'text'
    | 'hex'
    | 'fault'
    | 'added'
    | 'removed'
    | 'changed'
  /** Of a text: it goes on in the line of the row before. */
  readonly isContinued?: boolean
  /** Where a value stands in a JSON text, unless that is very deep. */
  readonly path?: JsonPath
}

/** Names of members and indexes of elements, the outermost first. */
export type JsonPath = readonly (string | number)[]

export type ToWorker =
  | { readonly kind: 'connect'; readonly url: string; readonly clientId: string }
  | { readonly kind: 'try-now' }
  | { readonly kind: 'hold'; readonly isHeld: boolean }
  | { readonly kind: 'watch'; readonly filter: string | undefined }
  | { readonly kind: 'publish'; readonly message: Outgoing }
  | { readonly kind: 'frame' }
  | { readonly kind: 'past'; readonly request: number; readonly url: string }
  | { readonly kind: 'announcement'; readonly request: number; readonly url: string }
  | { readonly kind: 'show-own'; readonly request: number; readonly message: Outgoing; readonly atMs: number }
  | { readonly kind: 'look'; readonly request: number; readonly id: number; readonly view: PayloadView }
  | { readonly kind: 'compare'; readonly request: number; readonly id: number; readonly beforeId: number }
  | { readonly kind: 'series'; readonly request: number; readonly ids: readonly number[]; readonly path: JsonPath }

/** A page of history or of retained messages. */
export interface Past {
  readonly messages: readonly Arrived[]
  readonly nextCursor: string | null
  /** Before the first, of a page around something. */
  readonly previousCursor: string | null
  /** Of payloads, as far as they were sent. */
  readonly sentBytes: number
  /** Why there is nothing; undefined when it went well. */
  readonly fault: string | undefined
  /** False: there is no telling, since the hub did not say anything. */
  readonly isAnswered: boolean
}

export type FromWorker =
  | { readonly kind: 'announced'; readonly request: number; readonly announcement: Announcement | undefined }
  | { readonly kind: 'past'; readonly request: number; readonly past: Past }
  /** A message of this page as if it had come. */
  | { readonly kind: 'shown-own'; readonly request: number; readonly arrived: Arrived }
  | { readonly kind: 'batch'; readonly entries: readonly BatchEntry[] }
  /** A number for each message, or null where it has none there. */
  | { readonly kind: 'series'; readonly request: number; readonly values: readonly (number | null)[] }
  | { readonly kind: 'looked'; readonly request: number; readonly rows: readonly PayloadRow[]; readonly left: number }
