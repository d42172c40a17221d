import { type Conversation, presence } from '../state/conversations.ts'
import { words } from '../words/words.ts'
import { hueOf } from '../conversation/message-row.tsx'
import { Icon } from '../icons.tsx'

/**
 * The picture of a conversation. For a device its dot is the hub's own word on the session, its ring the device's own (its will);
 * without a word there is no sign.
 */
export function Avatar({ conversation: { kind, name, isAvailable } }: { readonly conversation: Conversation }) {
  const state = kind === 'device' ? presence.value.get(name) : undefined
  const ring = kind === 'device' ? isAvailable.value : undefined
  const text = words.value
  const title = [
    state !== undefined && `${text.session}: ${text[state]}`,
    ring !== undefined && `${text.availability}: ${ring ? 'online' : 'offline'}`,
  ].filter((part) => part !== false)
  return (
    <span class="avatar" data-hue={hueOf(name)} data-ring={ring} title={title.join('\n')}>
      {kind === 'room' ? (
        <b aria-hidden="true">{firstLetter(name)}</b>
      ) : (
        <Icon name={kind === 'device' ? 'chip' : 'wave'} />
      )}
      {state !== undefined && <i class="dot" data-state={state} />}
      {title.length > 0 && <span class="for-readers">{title.join(', ')}</span>}
    </span>
  )
}

function firstLetter(name: string): string {
  return [...new Intl.Segmenter().segment(name)][0]?.segment.toUpperCase() ?? ''
}
