import { visible } from '../../worker/visible.ts'
import { words } from '../words/words.ts'

interface LabelProps {
  readonly topic: string
  readonly shown: string
  readonly name: string | undefined
  readonly isRoom: boolean
}

/** Who said it in a room, where it was published elsewhere. */
export function Label({ topic, shown, name, isRoom }: LabelProps) {
  if (isRoom) {
    return (
      <span class="who" data-hue={hueOf(name ?? '')} title={name}>
        <bdi>{name === undefined ? words.value.yourNamePlaceholder : visible(name)}</bdi>
      </span>
    )
  }
  return (
    <span class="topic from-end" title={topic}>
      <bdi dir="ltr">{visible(shortTopic(topic, shown))}</bdi>
    </span>
  )
}

/** The levels of a topic that its filter leaves open, `lamp-1` of `devices/lamp-1/alarm` for `devices/+/alarm`; else all. */
export function shortTopic(topic: string, filter: string): string {
  const parts = filter.split('/')
  const levels = topic.split('/')
  const open = levels.filter(
    (_level, index) => parts[Math.min(index, parts.length - 1)] === '#' || parts[index] === '+',
  )
  return open.join('/') || topic
}

export function QosBadge({ qos }: { readonly qos: number }) {
  return (
    <span class={`badge badge-qos${qos}`} title={words.value.qosHelp[qos]}>
      Q{qos}
    </span>
  )
}

/** One of eight colours, the same for a name each time. */
export function hueOf(name: string): number {
  let sum = 0
  for (const letter of name) sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) % 9973
  return sum % 8
}
