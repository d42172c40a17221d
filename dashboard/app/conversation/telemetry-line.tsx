import type { Arrived } from '../../worker/protocol.ts'
import type { Point } from '../details/gaps.ts'
import { Sparkline } from '../details/sparkline.tsx'
import { choose, chosen } from '../state/open.ts'
import { Time } from '../time.tsx'
import { bytes, time } from '../words/format.ts'
import { number, words } from '../words/words.ts'
import { Label, QosBadge } from './labels.tsx'
import { fieldsOf, measured, Measurements, titleOf } from './measurements.tsx'

/** Points of the little chart. */
const POINTS = 60
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
  const members = measured(message)
  const charted = members.find((member) => member.number !== undefined)
  const points = charted === undefined ? [] : pointsOf(folded, charted.name)
  return (
    <div class="message telemetry" data-chosen={isChosen}>
      <Time class="at" atMs={message.atMs}>
        {time(message.atMs)}
      </Time>
      <Label topic={message.topic} shown={topic} name={undefined} isRoom={false} />
      <button type="button" class="value" tabIndex={-1} aria-pressed={isChosen} onClick={() => choose(message)}>
        <Measurements message={message} />
        {members.length === 0 && (
          <bdi class="quiet">
            {message.form === 'binary'
              ? `${words.value.binary}, ${bytes(message.bytes)}`
              : `${message.preview}${message.isCut ? '…' : ''}`}
          </bdi>
        )}
      </button>
      <span class="badges">
        {charted !== undefined && <Sparkline points={points} name={titleOf(charted, fieldsOf(message))} />}
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

function pointsOf(folded: readonly Arrived[], name: string): readonly Point[] {
  return folded.slice(-POINTS).flatMap((message) => {
    const value = measured(message).find((member) => member.name === name)?.number
    return value === undefined ? [] : [{ atMs: message.atMs, value }]
  })
}
