import type { Arrived } from '../../worker/protocol.ts'
import { choose, chosen, reopen } from '../state/open.ts'
import { readChat } from '../../worker/chat.ts'
import { startOf, visible } from '../../worker/visible.ts'
import { arrivedOf } from '../state/hub.ts'
import { isMine } from '../state/identity.ts'
import { isUnheard, refusalOf, type Send } from '../state/sends.ts'
import type { Note, Row } from '../state/rows.ts'
import { Time } from '../time.tsx'
import { bytes, latency, span, time } from '../words/format.ts'
import { count, number, words } from '../words/words.ts'
import { Label, QosBadge } from './labels.tsx'
import { fieldsOf, measured, Measurements } from './measurements.tsx'
import { TelemetryLine } from './telemetry-line.tsx'
import { replyMs, TakenTick, TickSlot } from './tick.tsx'

/** As many characters as of messages that come. */
const SHOWN = 280

/** Messages of this page that were looked at. */
const looked = new WeakMap<Send, Arrived>()

interface RowProps {
  readonly row: Row
  /** These two are handed on by themselves, since the row is the same object when it grows. */
  readonly message: Arrived | undefined
  readonly times: number
  /** The topic of the conversation, when it has but one. */
  readonly topic: string
  /** Said by whom the one above was. */
  readonly isContinued: boolean
}

/** A row of the stream. */
export function StreamRow({ row, message, times, topic, isContinued }: RowProps) {
  if (row.kind === 'note') return <NoteLine note={row.note} />
  if (row.kind === 'reply') return <ReplyLine send={row.send} />
  if (row.kind === 'sent' || message === undefined) {
    return row.send === undefined ? null : <SentLine send={row.send} topic={topic} isContinued={isContinued} />
  }
  if (row.folded !== undefined)
    return <TelemetryLine message={message} folded={row.folded} times={times} topic={topic} />
  return <MessageLine message={message} send={row.send} times={times} topic={topic} isContinued={isContinued} />
}

interface MessageProps {
  readonly message: Arrived
  readonly send: Send | undefined
  readonly times: number
  readonly topic: string
  readonly isContinued: boolean
}

function MessageLine({ message, send, times, topic, isContinued }: MessageProps) {
  const { chat, form, preview, isCut, qos, retain, isDuplicate } = message
  const isChosen = chosen.value?.id === message.id
  const isOwn = send !== undefined || isMine(message.publisher)
  const isAnnounced = !isOwn && fieldsOf(message).length > 0 && measured(message).length > 0
  return (
    <div
      class="message"
      data-mine={isOwn}
      data-refused={isDeclined(send)}
      data-chosen={isChosen}
      data-continued={isContinued}
    >
      <Time class="at" atMs={message.atMs}>
        {time(message.atMs)}
      </Time>
      <Label
        topic={message.topic}
        shown={topic}
        name={chat?.from ?? (isOwn ? words.value.you : message.publisher)}
        isRoom={message.topic.startsWith('chat/')}
      />
      <button
        type="button"
        tabIndex={-1}
        class={`value value-${isAnnounced ? 'measured' : chat === undefined ? form : 'text'}`}
        aria-pressed={isChosen}
        onClick={() => choose(message)}
      >
        {isAnnounced ? (
          <Measurements message={message} />
        ) : (
          <Said
            text={chat?.text ?? (form === 'empty' ? words.value.empty : preview)}
            isCut={chat === undefined && isCut}
          />
        )}
      </button>
      <span class="badges">
        {times > 1 && <span class="badge badge-times">×{number(times)}</span>}
        {chat?.isBot === true && <span class="badge">{words.value.bot}</span>}
        {form === 'binary' && (
          <span class="badge">
            {words.value.binary}, {bytes(message.bytes)}
          </span>
        )}
        {form !== 'binary' && message.bytes > 300 && <span class="badge">{bytes(message.bytes)}</span>}
        {isDuplicate && (
          <span class="badge" title={words.value.duplicate}>
            DUP
          </span>
        )}
        {retain && (
          <span class="badge badge-retain" title={words.value.retainHelp}>
            R
          </span>
        )}
        {send !== undefined && <Latency send={send} />}
        <QosBadge qos={qos} />
      </span>
      {isOwn && (send === undefined || isUnheard(send)) ? <TakenTick /> : <TickSlot send={send} />}
    </div>
  )
}

function SentLine({
  send,
  topic,
  isContinued,
}: {
  readonly send: Send
  readonly topic: string
  readonly isContinued: boolean
}) {
  const { message, atMs } = send
  const chat = readChat(message.payload)
  const shown = chosen.value
  const isChosen = shown !== undefined && looked.get(send) === shown
  const text = chat?.text ?? message.payload
  return (
    <div
      class="message"
      data-mine="true"
      data-refused={isDeclined(send)}
      data-chosen={isChosen}
      data-continued={isContinued}
    >
      <Time class="at" atMs={atMs}>
        {time(atMs)}
      </Time>
      <Label
        topic={message.topic}
        shown={topic}
        name={chat?.from ?? words.value.you}
        isRoom={message.topic.startsWith('chat/')}
      />
      <button type="button" tabIndex={-1} class="value" aria-pressed={isChosen} onClick={() => void lookAt(send)}>
        <Said text={visible(startOf(text, SHOWN)) || words.value.empty} isCut={text.length > SHOWN} />
      </button>
      <span class="badges">
        {message.retain && <span class="badge badge-retain">R</span>}
        <Latency send={send} />
        <QosBadge qos={message.qos} />
      </span>
      <TickSlot send={send} />
    </div>
  )
}

/** What was said; when that is not all of it, with a sign, and in a bubble with words for what a click does. */
function Said({ text, isCut }: { readonly text: string; readonly isCut: boolean }) {
  return (
    <>
      <bdi>
        {text}
        {isCut && '…'}
      </bdi>
      {isCut && <span class="show-all">{words.value.showAll}</span>}
    </>
  )
}

/** A message of this page in the details; it does not come back to the page by itself. */
async function lookAt(send: Send): Promise<void> {
  const arrived = looked.get(send) ?? (await arrivedOf(send.message, send.atMs))
  looked.set(send, arrived)
  choose(arrived)
}

function Latency({ send }: { readonly send: Send }) {
  const steps = send.steps.value
  const reply = steps.find(({ step }) => step === 'reply')
  if (reply === undefined) return null
  return (
    <span class={`badge badge-${isDeclined(send) ? 'refusal' : 'reply'}`} title={reply.reason}>
      ↩ {latency(replyMs(send, steps))}
    </span>
  )
}

/** Whether the device said no to a message of this page. */
function isDeclined(send: Send | undefined): boolean {
  return send !== undefined && refusalOf(send.steps.value) !== undefined
}

/** The answer to a command, below what was sent meanwhile: sign, latency, payload; of a no its words. */
function ReplyLine({ send }: { readonly send: Send }) {
  const steps = send.steps.value
  const reply = steps.find(({ step }) => step === 'reply')
  const refusal = refusalOf(steps)
  const atMs = reply?.atMs ?? send.atMs
  return (
    <div class="message reply" data-refused={refusal !== undefined}>
      <Time class="at" atMs={atMs}>
        {time(atMs)}
      </Time>
      <span class="topic" title={send.message.topic}>
        <bdi>↩ {send.message.topic.split('/').at(-1)}</bdi>
      </span>
      {refusal === undefined ? (
        <span class="value value-json">
          <bdi>{reply?.reason}</bdi>
        </span>
      ) : (
        <span class="value" title={refusal.message}>
          {words.value.ticks.declined}: <bdi>{refusal.message ?? refusal.code ?? reply?.reason}</bdi>
        </span>
      )}
      <span class="badges">
        {refusal?.code !== undefined && refusal.message !== undefined && (
          <span class="badge badge-refusal">{refusal.code}</span>
        )}
        <span class={`badge badge-${refusal === undefined ? 'reply' : 'refusal'}`}>
          {latency(replyMs(send, steps))}
        </span>
      </span>
      <span class="tick-slot" />
    </div>
  )
}

function NoteLine({ note }: { readonly note: Note }) {
  if (note.kind === 'gap') {
    return (
      <div class="note" role="note">
        <button type="button" class="link" tabIndex={-1} onClick={reopen}>
          {words.value.gapToNewest}
        </button>
      </div>
    )
  }
  return (
    <div class={`note note-${note.kind}`} role="note">
      {noteText(note)}
    </div>
  )
}

function noteText(note: Exclude<Note, { readonly kind: 'gap' }>): string {
  const text = words.value
  if (note.kind === 'outage') {
    const { fromMs, toMs, fromHistory } = note
    const outcome = fromHistory === 0 ? text.nothingMissed : text.fromHistory(count(fromHistory ?? 0, text.messages))
    return [text.offlineFrom(span(fromMs, toMs)), ...(fromHistory === undefined ? [] : [outcome])].join(', ')
  }
  return note.kind === 'unread' ? count(note.messages, text.unread) : text.notShown(count(note.messages, text.messages))
}
