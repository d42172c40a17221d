import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type { Conversation } from '../state/conversations.ts'
import { changeDraft, type Draft, draft, draftSent, editLast } from '../state/draft.ts'
import { showSent } from '../state/open.ts'
import { forgetMessage, savedMessages, saveMessage } from '../state/saved-messages.ts'
import { send } from '../state/sends.ts'
import { myName } from '../state/settings.ts'
import { publishFault } from '../state/limits.ts'
import { denialOf, type Permission, usePermission } from '../state/permission.ts'
import { isOperator } from '../state/session.ts'
import { Icon } from '../icons.tsx'
import { RemovalState, useRemoval } from '../removal.tsx'
import { words } from '../words/words.ts'
import type { QoS } from '../../worker/protocol.ts'

const QOS: readonly QoS[] = [0, 1, 2]
const ANYTHING = { maxQos: 2, mayRetain: true } as const
const COMMAND = /\/cmd\//

/** So that not every letter of a topic asks the hub. */
const TYPING_MS = 200

/** Where one writes, for who may. */
export function Composer({ conversation }: { readonly conversation: Conversation }) {
  if (isOperator.value) return <Writing conversation={conversation} />
  return <p class="composer quiet">{words.value.viewersRead}</p>
}

/** The topic comes from the conversation, QoS and Retain are chips. */
function Writing({ conversation }: { readonly conversation: Conversation }) {
  const text = words.value
  const { topic, text: payload, qos, retain } = draft.value
  const isRoom = conversation.kind === 'room'
  const permission = usePermission(topic, TYPING_MS)
  const denial = denialOf(permission)
  const fault = publishFault(topic, payloadOf(conversation, payload)) ?? denial
  const { maxQos, mayRetain } = permission?.isAllowed === true ? permission : ANYTHING
  const gap = gapIn(draft.value, isRoom)
  const removal = useRemoval(async () => changeDraft({ retain: false }))
  const isRemoval = retain && payload === ''
  /** On a phone there is one row, until more is asked for or something is wrong. */
  const areOptionsShown = useSignal(false)
  const isOpen = areOptionsShown.value || fault !== undefined || (gap !== undefined && payload !== '')
  useEffect(() => {
    removal.asked.value = undefined
  }, [topic, isRemoval])
  useEffect(() => {
    if (qos > maxQos) changeDraft({ qos: maxQos })
    if (retain && !mayRetain) changeDraft({ retain: false })
  }, [maxQos, mayRetain, qos, retain])
  const submit = (): void => {
    if (fault !== undefined || gap !== undefined) return
    removal.done.value = undefined
    if (isRemoval) {
      removal.ask({ filter: topic, text: undefined })
      return
    }
    publish(conversation, draft.value)
    draftSent()
  }
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault()
        submit()
      }}
    >
      <div class="writing">
        <textarea
          rows={Math.min(8, payload.split('\n').length)}
          value={payload}
          aria-label={text.message}
          placeholder={
            isRoom ? text.messagePlaceholder : gap === 'command' ? text.gaps.command : text.payloadPlaceholder
          }
          onInput={({ currentTarget }) => changeDraft({ text: currentTarget.value })}
          onKeyDown={(event) => {
            const isPlainEnter = event.key === 'Enter' && !event.shiftKey && !event.isComposing && isRoom
            if (isPlainEnter || (event.key === 'Enter' && (event.ctrlKey || event.metaKey))) {
              event.preventDefault()
              submit()
            } else if (event.key === 'ArrowUp' && payload === '') {
              event.preventDefault()
              editLast()
            }
          }}
        />
        <button
          type="button"
          class="composer-more only-narrow"
          aria-expanded={isOpen}
          aria-label={`${text.sendOptions}: Q${qos}${retain ? ' R' : ''}`}
          onClick={() => {
            areOptionsShown.value = !areOptionsShown.value
          }}
        >
          Q{qos}
          {retain && ' R'}
        </button>
        <button
          type="submit"
          class="send"
          aria-label={text.send}
          title={denial ?? (gap === undefined ? text.sendHelp : text.gaps[gap])}
          disabled={fault !== undefined || gap !== undefined}
        >
          <Icon name="send" />
        </button>
      </div>
      <SavedMessages conversation={conversation} deniedTopic={denial === undefined ? undefined : topic} />
      <div role="status" class="removal">
        <RemovalState removal={removal} />
      </div>
      <div class="chips" data-open={isOpen}>
        {isRoom ? (
          <label class="chip-field">
            <span>{text.yourName}</span>
            <input
              value={myName.value}
              placeholder={text.yourNamePlaceholder}
              maxLength={60}
              onInput={({ currentTarget }) => {
                myName.value = currentTarget.value
              }}
            />
          </label>
        ) : (
          <label class="chip-field chip-field-wide">
            <span>{text.topic}</span>
            <input
              value={topic}
              spellcheck={false}
              autocapitalize="off"
              onInput={({ currentTarget }) => changeDraft({ topic: currentTarget.value })}
            />
          </label>
        )}
        <span class="segments" role="radiogroup" aria-label="QoS">
          {QOS.map((one) => (
            <label
              key={one}
              class="segment"
              title={one > maxQos ? text.maxQosAllowed(maxQos, placeOf(permission)) : text.qosHelp[one]}
            >
              <input
                type="radio"
                name="qos"
                checked={qos === one}
                disabled={one > maxQos}
                onChange={() => changeDraft({ qos: one })}
              />
              <span>QoS {one}</span>
            </label>
          ))}
        </span>
        <button
          type="button"
          class="chip"
          aria-pressed={retain}
          title={mayRetain ? text.retainHelp : text.noRetainAllowed(placeOf(permission))}
          disabled={!mayRetain}
          onClick={() => changeDraft({ retain: !retain })}
        >
          {text.retain}
        </button>
        {payload !== '' && fault === undefined && (
          <button
            type="button"
            class="chip"
            title={text.saveMessage}
            aria-label={text.saveMessage}
            onClick={() => saveMessage({ ...draft.value, conversationId: conversation.id })}
          >
            ★
          </button>
        )}
        <JsonState payload={payload} />
        {fault !== undefined && <span class="fault">{fault}</span>}
        {fault === undefined && gap !== undefined && payload !== '' && <span class="fault">{text.gaps[gap]}</span>}
      </div>
    </form>
  )
}

/** The rule that decides, by its place. */
function placeOf(permission: Permission | undefined): string {
  return permission?.rule?.place ?? ''
}

/** What is still to be written before anything can be sent. */
function gapIn({ topic, text, retain }: Draft, isRoom: boolean): 'topic' | 'command' | 'message' | undefined {
  if (isRoom) return text === '' ? 'message' : undefined
  // No device has such a topic; the name of the command is missing.
  if (topic.endsWith('/')) return 'topic'
  return COMMAND.test(topic) && text === '' && !retain ? 'command' : undefined
}

function publish(conversation: Conversation, { topic, text, qos, retain }: Draft): void {
  const payload = payloadOf(conversation, text)
  showSent(send({ topic, payload, qos, retain, wantsReply: COMMAND.test(topic) }))
}

/** In a room who says it goes with what is said. */
function payloadOf({ kind }: Conversation, text: string): string {
  return kind === 'room' && myName.value !== '' ? JSON.stringify({ from: myName.value, text }) : text
}

interface SavedProps {
  readonly conversation: Conversation
  /** Where nothing may be published. */
  readonly deniedTopic: string | undefined
}

/** Messages that were kept here: a click sends one. */
function SavedMessages({ conversation, deniedTopic }: SavedProps) {
  const text = words.value
  const saved = savedMessages.value.filter(({ conversationId }) => conversationId === conversation.id)
  if (saved.length === 0) return null
  return (
    <ul class="saved" aria-label={text.savedMessages}>
      {saved.map((message) => (
        <li key={`${message.topic} ${message.text}`} class="chip">
          <button
            type="button"
            title={message.topic}
            disabled={message.topic === deniedTopic}
            onClick={() => publish(conversation, message)}
          >
            <bdi>{message.text.slice(0, 60)}</bdi>
          </button>
          <button
            type="button"
            aria-label={`${text.forgetMessage}: ${message.text.slice(0, 60)}`}
            title={text.forgetMessage}
            onClick={() => forgetMessage(message)}
          >
            ×
          </button>
        </li>
      ))}
    </ul>
  )
}

function JsonState({ payload }: { readonly payload: string }) {
  if (!/^\s*[{[]/.test(payload)) return null
  const isValid = isJson(payload)
  return (
    <span class="json-state" data-valid={isValid}>
      {isValid ? words.value.jsonValid : words.value.jsonInvalid}
    </span>
  )
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
