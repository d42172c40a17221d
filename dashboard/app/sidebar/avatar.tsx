import { visible } from '../../worker/visible.ts'
import type { Conversation } from '../state/conversations.ts'
import { presence } from '../state/presence.ts'
import { words } from '../words/words.ts'
import { hueOf } from '../conversation/labels.tsx'
import { Icon } from '../icons.tsx'

/**
 * The picture of a conversation. For a device its dot is the hub's own word on the session, its ring the device's own (its
 * retained availability topic); without a word there is no sign.
 */
export function Avatar({
  conversation: { kind, name, clientId, availability },
}: {
  readonly conversation: Conversation
}) {
  const state = kind === 'device' ? presence.value.get(clientId.value) : undefined
  const ring = kind === 'device' ? availability.value : undefined
  const text = words.value
  const title = [
    state !== undefined && `${text.session}: ${text[state]}`,
    ring !== undefined && `${text.availability}: ${text.availabilities[ring]}`,
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
  const [first] = new Intl.Segmenter().segment(name)
  return visible(first?.segment.toUpperCase() ?? '')
}
