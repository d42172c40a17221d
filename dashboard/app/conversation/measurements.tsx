import type { Arrived } from '../../worker/protocol.ts'
import type { Field } from '../../worker/announcement.ts'
import { visible } from '../../worker/visible.ts'
import { type Member, membersOf } from '../details/samples.ts'
import { announcementOf } from '../state/announcements.ts'

/** Members that fit on a line. */
const SHOWN = 4
/** What is no measurement of its own. */
const NOT_MEASURED = /^(?:at|ts|t|time|timestamp|seq|id)(?:Ms|S)?$/i
/** A payload is a little longer than its preview, where letters take more than one byte. */
const PREVIEW_SLACK = 40
/** What devices say as JSON objects that they have announced. */
const CHANNEL = /^devices\/([^/]+)\/(telemetry|state|event)$/

/** What a message that is a short JSON object says. */
export function measured({ form, preview, bytes }: Arrived): readonly Member[] {
  if (form === 'binary' || bytes > preview.length + PREVIEW_SLACK) return []
  return saying(preview)
}

/** The members of a JSON object that say something by themselves. */
export function saying(json: string): readonly Member[] {
  return membersOf(json).filter(({ name }) => !NOT_MEASURED.test(name))
}

/** What its device announced of the members of a message. */
export function fieldsOf({ topic }: Arrived): readonly Field[] {
  const [, device, channel = ''] = CHANNEL.exec(topic) ?? []
  return device === undefined ? [] : (announcementOf(device)?.quantities.get(channel) ?? [])
}

export function titleOf({ name }: Member, fields: readonly Field[]): string {
  return fields.find((field) => field.name === name)?.title ?? visible(name)
}

/** The first values of a message, with names and units as its device announced them. */
export function Measurements({ message }: { readonly message: Arrived }) {
  const fields = fieldsOf(message)
  return (
    <>
      {measured(message)
        .slice(0, SHOWN)
        .map((member) => (
          <span key={member.name} class="measurement">
            {member.name !== '' && <span class="quiet">{titleOf(member, fields)} </span>}
            <bdi>{member.text}</bdi>
            <Unit field={fields.find(({ name }) => name === member.name)} />
          </span>
        ))}
    </>
  )
}

function Unit({ field }: { readonly field: Field | undefined }) {
  return field?.unit === undefined ? null : <span class="quiet"> {field.unit}</span>
}
