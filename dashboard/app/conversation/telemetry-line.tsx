import type { Arrived } from '../../worker/protocol.ts'
import type { Field } from '../details/announcement.ts'
import { type Member, membersOf } from '../details/samples.ts'
import { Sparkline } from '../details/sparkline.tsx'
import { chosen } from '../state/open.ts'
import { openAnnouncement } from '../state/open-announcement.ts'
import { bytes, time } from '../words/format.ts'
import { number, words } from '../words/words.ts'
import { Label, QosBadge } from './labels.tsx'

/** Members that fit on a line. */
const SHOWN = 4
/** Points of the little chart. */
const POINTS = 60
/** What is no measurement of its own. */
const NOT_MEASURED = /^(?:at|ts|t|time|timestamp|seq|id)(?:Ms|S)?$/i

interface TelemetryProps {
  readonly message: Arrived
  readonly folded: readonly Arrived[]
  readonly times: number
  /** The filter of the conversation. */
  readonly topic: string
}

/** What a device measures, as one line that changes: the last values, how the first of them went, how many there were. */
export function TelemetryLine({ message, folded, times, topic }: TelemetryProps) {
  const isChosen = chosen.value?.id === message.id
  const fields = openAnnouncement.value?.quantities['telemetry'] ?? []
  const members = measured(message)
  const charted = members.find((member) => member.number !== undefined)
  const values = charted === undefined ? [] : valuesOf(folded, charted.name)
  return (
    <div class="message telemetry" data-chosen={isChosen}>
      <time class="at">{time(message.atMs)}</time>
      <Label topic={message.topic} shown={topic} name={undefined} isRoom={false} />
      <button
        type="button"
        class="value"
        aria-pressed={isChosen}
        onClick={() => {
          chosen.value = message
        }}
      >
        {members.slice(0, SHOWN).map((member) => (
          <Measurement key={member.name} member={member} field={fields.find(({ name }) => name === member.name)} />
        ))}
        {members.length === 0 && <bdi class="quiet">{`${words.value.binary}, ${bytes(message.bytes)}`}</bdi>}
      </button>
      <span class="badges">
        {charted !== undefined && <Sparkline values={values} name={titleOf(charted, fields)} />}
        {times > 1 && (
          <span class="badge badge-times" title={words.value.foldedHelp}>
            ×{number(times)}
          </span>
        )}
        <QosBadge qos={message.qos} />
      </span>
      <span class="tick-slot" />
    </div>
  )
}

function Measurement({ member, field }: { readonly member: Member; readonly field: Field | undefined }) {
  return (
    <span class="measurement">
      {member.name !== '' && <span class="quiet">{field?.title ?? member.name} </span>}
      <bdi>{member.text}</bdi>
      {field?.unit !== undefined && <span class="quiet"> {field.unit}</span>}
    </span>
  )
}

function titleOf({ name }: Member, fields: readonly Field[]): string {
  return fields.find((field) => field.name === name)?.title ?? name
}

/** The members of a payload that is known whole. */
function measured({ form, preview, bytes: size }: Arrived): readonly Member[] {
  if (form === 'binary' || size > preview.length + PREVIEW_SLACK) return []
  return membersOf(preview).filter(({ name }) => !NOT_MEASURED.test(name))
}

/** Letters of more than one byte. */
const PREVIEW_SLACK = 40

function valuesOf(folded: readonly Arrived[], name: string): readonly number[] {
  return folded.slice(-POINTS).flatMap((message) => {
    const value = measured(message).find((member) => member.name === name)?.number
    return value === undefined ? [] : [value]
  })
}
