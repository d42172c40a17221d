import { useSignal } from '@preact/signals'
import { useEffect, useMemo } from 'preact/hooks'
import type { Announcement, Field } from '../../worker/announcement.ts'
import { visible } from '../../worker/visible.ts'
import { Icon } from '../icons.tsx'
import { apiUrl, ask } from '../state/api.ts'
import type { Conversation } from '../state/conversations.ts'
import { look, past, series } from '../state/hub.ts'
import { Time } from '../time.tsx'
import { clock, when } from '../words/format.ts'
import { words } from '../words/words.ts'
import type { Point } from './gaps.ts'
import { MAX_MEMBERS, type Member, membersOf, Samples } from './samples.ts'
import { Sparkline } from './sparkline.tsx'

const SHOWN = 40
const HISTORY_MESSAGES = 60
const REFRESH_MS = 1000

interface TopicLine {
  readonly topic: string
  readonly atMs: number
  readonly members: readonly Member[]
}

/** What is known without asking: the last message of each topic as the hub's feed tells it. */
export function LastValues({ conversation }: { readonly conversation: Conversation }) {
  // Topics change with the feed, and so does this.
  void conversation.last.value
  void conversation.rate.value
  const topics = [...conversation.topics.values()].slice(0, SHOWN).toSorted(byTopic)
  const lines = topics.map(({ topic, text, atMs }) => lineOf(topic, atMs, text ?? words.value.binary))
  return <Lines lines={lines} samples={undefined} base="" announcement={undefined} />
}

/** The last values of a device, each with its name, unit and a small chart. */
export function DeviceValues({ name, announcement }: DeviceProps) {
  const base = `devices/${name}/`
  const samples = useMemo(() => new Samples(), [name])
  const lines = useSignal<readonly TopicLine[]>([])
  useEffect(() => {
    let isGone = false
    const load = async (): Promise<void> => {
      const query = { prefix: base, limit: SHOWN }
      const { levels } = await ask('GET /topics', { query })
      if (isGone) return
      lines.value = levels.flatMap(({ topic }) => {
        if (topic === null || topic.topic === `${base}about`) return []
        const line = lineOf(topic.topic, topic.last.atMs, topic.last.payload ?? words.value.binary)
        samples.take(line.topic, line.atMs, line.members)
        return [line]
      })
    }
    const start = async (): Promise<void> => {
      await takeHistory(samples, `${base}telemetry`)
    }
    const refresh = (): void => {
      // The banner says that there is no connection; what was there stays.
      if (!document.hidden) load().catch(() => undefined)
    }
    // A hub without history has none to tell.
    start()
      .catch(() => undefined)
      .finally(refresh)
    const timer = setInterval(refresh, REFRESH_MS)
    return () => {
      isGone = true
      clearInterval(timer)
    }
  }, [name])
  return <Lines lines={lines.value} samples={samples} base={base} announcement={announcement} />
}

/** The numbers of the last messages of a topic; the worker reads them, since they may be long. */
async function takeHistory(samples: Samples, topic: string): Promise<void> {
  const query = { filter: topic, payload: 'short' } as const
  const [last] = (await past(apiUrl('GET /messages', { query: { ...query, limit: 1 } }))).messages
  // A picture has no numbers, and of long messages so many are not read only for a little chart.
  if (last === undefined || last.form === 'binary' || last.wholeHash === undefined) return
  const { messages } = await past(apiUrl('GET /messages', { query: { ...query, limit: HISTORY_MESSAGES } }))
  const [newest] = messages
  if (newest === undefined) return
  const { rows } = await look(newest.id, 'json')
  const paths = rows.flatMap(({ type, path = [] }) => (type === 'number' && path.length <= 1 ? [path] : []))
  const ids = messages.map(({ id }) => id)
  const columns = await Promise.all(paths.slice(0, MAX_MEMBERS).map((path) => series(ids, path)))
  for (const [index, { atMs }] of [...messages.entries()].toReversed()) {
    const members = columns.flatMap((values, column) => {
      const number = values[index] ?? undefined
      return number === undefined ? [] : [{ name: String(paths[column]?.[0] ?? ''), text: '', number }]
    })
    samples.take(topic, atMs, members)
  }
}

interface DeviceProps {
  readonly name: string
  readonly announcement: Announcement | undefined
}

interface LinesProps {
  readonly lines: readonly TopicLine[]
  readonly samples: Samples | undefined
  /** What is not said again of each topic. */
  readonly base: string
  readonly announcement: Announcement | undefined
}

function Lines({ lines, samples, base, announcement }: LinesProps) {
  if (lines.length === 0) return null
  return (
    <section>
      <h3>
        <Icon name="wave" /> {words.value.lastValues}
      </h3>
      <ul class="values">
        {lines.map(({ topic, atMs, members }) => (
          <li key={topic}>
            <span class="values-topic" title={topic}>
              <span class="from-end">
                <bdi dir="ltr">{visible(topic.startsWith(base) ? topic.slice(base.length) : topic)}</bdi>
              </span>{' '}
              <Time atMs={atMs}>{when(atMs)}</Time>
            </span>
            {members.map((member) => (
              <Value
                key={member.name}
                member={member}
                field={announcement?.quantities.get(topic.slice(base.length))?.find(({ name }) => name === member.name)}
                points={samples?.of(topic, member.name) ?? []}
              />
            ))}
          </li>
        ))}
      </ul>
    </section>
  )
}

interface ValueProps {
  readonly member: Member
  readonly field: Field | undefined
  readonly points: readonly Point[]
}

function Value({ member: { name, text, number }, field, points }: ValueProps) {
  const title = field?.title ?? visible(name)
  const isTime = field?.unit === 'ms' && number !== undefined && number > 1e12
  const shown = isTime ? clock(number) : text === '' ? words.value.empty : text
  return (
    <div class="value-line">
      {title !== '' && <span class="quiet">{title}</span>}
      {isTime ? <span /> : <Sparkline points={points} name={title} />}
      <span class="values-value">
        <bdi title={text}>{shown.slice(0, 200)}</bdi>
        {field?.unit !== undefined && !isTime && <span class="quiet"> {field.unit}</span>}
      </span>
    </div>
  )
}

function lineOf(topic: string, atMs: number, payload: string): TopicLine {
  return { topic, atMs, members: membersOf(payload) }
}

function byTopic(one: { readonly topic: string }, other: { readonly topic: string }): number {
  return one.topic < other.topic ? -1 : 1
}
