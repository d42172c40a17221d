import type { Arrived } from '../../worker/protocol.ts'
import { chosen } from '../state/open.ts'
import { readChat } from '../state/chat.ts'
import type { Send } from '../state/sends.ts'
import type { Note, Row } from '../state/stream.ts'
import { bytes, clock, latency, time } from '../words/format.ts'
import { count, number, words } from '../words/words.ts'
import { replyMs, TickSlot } from './tick.tsx'

interface RowProps {
  readonly row: Row
  /** Handed on by itself, since the row is the same object when it grows. */
  readonly times: number
  /** The topic of the conversation, when it has but one. */
  readonly topic: string
  /** Said by whom the one above was. */
  readonly isContinued: boolean
}

/** A row of the stream. */
export function StreamRow({ row, times, topic, isContinued }: RowProps) {
  if (row.kind === 'note') return <NoteLine note={row.note} />
  return row.kind === 'sent' ? (
    <SentLine send={row.send} topic={topic} isContinued={isContinued} />
  ) : (
    <MessageLine message={row.message} send={row.send} times={times} topic={topic} isContinued={isContinued} />
  )
}

interface MessageProps {
  readonly message: Arrived
  readonly send: Send | undefined
  readonly times: number
  readonly topic: string
  readonly isContinued: boolean
}

function MessageLine({ message, send, times, topic, isContinued }: MessageProps) {
  const { chat, form, preview, qos, retain, isDuplicate } = message
  const isChosen = chosen.value?.id === message.id
  return (
    <div class="message" data-mine={send !== undefined} data-chosen={isChosen} data-continued={isContinued}>
      <time class="at">{time(message.atMs)}</time>
      <Label
        topic={message.topic}
        shown={topic}
        name={chat?.from ?? message.publisher}
        isRoom={message.topic.startsWith('chat/')}
      />
      <button
        type="button"
        class={`value value-${chat === undefined ? form : 'text'}`}
        aria-pressed={isChosen}
        onClick={() => {
          chosen.value = message
        }}
      >
        <bdi>{chat?.text ?? (form === 'empty' ? words.value.empty : preview)}</bdi>
      </button>
      <span class="badges">
        {times > 1 && <span class="badge badge-times">×{number(times)}</span>}
        {form === 'binary' && <span class="badge">{words.value.binary}</span>}
        {message.bytes > 300 && <span class="badge">{bytes(message.bytes)}</span>}
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
      <TickSlot send={send} />
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
  return (
    <div class="message" data-mine="true" data-continued={isContinued}>
      <time class="at">{time(atMs)}</time>
      <Label
        topic={message.topic}
        shown={topic}
        name={chat?.from ?? words.value.you}
        isRoom={message.topic.startsWith('chat/')}
      />
      <span class="value">
        <bdi>{(chat?.text ?? message.payload).slice(0, 280)}</bdi>
      </span>
      <span class="badges">
        {message.retain && <span class="badge badge-retain">R</span>}
        <Latency send={send} />
        <QosBadge qos={message.qos} />
      </span>
      <TickSlot send={send} />
    </div>
  )
}

function Latency({ send }: { readonly send: Send }) {
  const steps = send.steps.value
  const reply = steps.find(({ step }) => step === 'reply')
  if (reply === undefined) return null
  return (
    <span class="badge badge-reply" title={reply.reason}>
      ↩ {reply.reason?.slice(0, 40)} · {latency(replyMs(send, steps))}
    </span>
  )
}

interface LabelProps {
  readonly topic: string
  readonly shown: string
  readonly name: string | undefined
  readonly isRoom: boolean
}

/** Who said it in a room, where it was published elsewhere. */
function Label({ topic, shown, name, isRoom }: LabelProps) {
  if (isRoom) {
    return (
      <span class="who" data-hue={hueOf(name ?? '')} title={name}>
        <bdi>{name ?? words.value.yourNamePlaceholder}</bdi>
      </span>
    )
  }
  const base = shown.replace(/[+#].*$/, '')
  const short = topic.startsWith(base) && topic.length > base.length ? topic.slice(base.length) : topic
  return (
    <span class="topic" title={topic}>
      <bdi>{short}</bdi>
    </span>
  )
}

function QosBadge({ qos }: { readonly qos: number }) {
  return (
    <span class={`badge badge-qos${qos}`} title={words.value.qosHelp[qos]}>
      Q{qos}
    </span>
  )
}

function NoteLine({ note }: { readonly note: Note }) {
  const text = words.value
  return (
    <div class="note" role="note">
      {note.kind === 'outage'
        ? `${text.noConnectionFrom(clock(note.fromMs), clock(note.toMs))}, ${text.fromHistory(count(note.fromHistory, text.messages))}`
        : text.notShown(count(note.messages, text.messages))}
    </div>
  )
}

/** One of eight colours, the same for a name each time. */
export function hueOf(name: string): number {
  let sum = 0
  for (const letter of name) sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) % 9973
  return sum % 8
}
