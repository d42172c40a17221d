import { Type } from 'typebox'
import { orNull, QoS, TopicName } from './fields.ts'
import { answers, route, takes } from './route.ts'

const Rule = Type.Object({
  place: Type.String({ description: 'Where it stands: `hubbub.yaml:14`.' }),
  text: Type.String({ description: 'As it is written, on one line.' }),
})

const Permission = Type.Object({
  topic: Type.String(),
  isAllowed: Type.Boolean(),
  maxQos: QoS,
  mayRetain: Type.Boolean({ description: 'Whether messages may be retained, and retained ones deleted.' }),
  rule: orNull(Rule, 'What decides; null: no rule fits, which denies, or there are no users.'),
})

export const mayPublish = route('GET', '/access/publish', 'viewer', {
  summary: 'Whether who asks may publish to a topic, and which access rule decides',
  tags: ['access'],
  querystring: takes({ topic: TopicName }),
  response: answers('What may be published there.', Permission),
})
