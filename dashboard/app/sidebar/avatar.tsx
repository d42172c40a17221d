import { visible } from '../../worker/visible.ts'
import type { Conversation } from '../state/conversations.ts'
import { lostAtMs } from '../state/outage.ts'
import { presenceOf } from '../state/presence.ts'
import { words } from '../words/words.ts'
import { hueOf } from '../conversation/labels.tsx'
import { Icon } from '../icons.tsx'

/**
 * The picture of a conversation. For a device its dot is the hub's own word on the session, its ring the device's own (its
 * retained availability topic); without a word there is no sign. While the page has no connection it knows neither.
 */
export function Avatar({
  conversation: { kind, name, clientId, availability },
}: {
  readonly conversation: Conversation
}) {
  const isDevice = kind === 'device'
  const isUnknown = isDevice && lostAtMs.value !== undefined
  const state = isDevice ? presenceOf(clientId.value) : undefined
  const ring = isDevice && !isUnknown ? availability.value : undefined
  const text = words.value
  const title = [
    isUnknown && text.presenceUnknown,
    state !== undefined && `${text.session}: ${text[state]}`,
    ring !== undefined && `${text.availability}: ${text.availabilities[ring]}`,
  ].filter((part) => part !== false)
  return (
    <span class="avatar" data-hue={hueOf(name)} data-ring={ring} title={title.join('\n')}>
      {kind === 'room' ? <b aria-hidden="true">{firstLetter(name)}</b> : <Icon name={isDevice ? 'chip' : 'wave'} />}
      {(isUnknown || state !== undefined) && <i class="dot" data-state={state ?? 'unknown'} />}
      {title.length > 0 && <span class="for-readers">{title.join(', ')}</span>}
    </span>
  )
}

function firstLetter(name: string): string {
  const [first] = new Intl.Segmenter().segment(name)
  return visible(first?.segment.toUpperCase() ?? '')
}
