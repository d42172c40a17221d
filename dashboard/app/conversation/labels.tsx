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
  const base = shown.replace(/[+#].*$/, '')
  const short = topic.startsWith(base) && topic.length > base.length ? topic.slice(base.length) : topic
  return (
    <span class="topic" title={topic}>
      <bdi>{visible(short)}</bdi>
    </span>
  )
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
