import { Type } from 'typebox'
import { ClientId, orNull, QoS } from './fields.ts'
import { answers, route, takes, withDefault } from './route.ts'

const Rule = Type.Object({
  file: Type.String(),
  line: orNull(Type.Integer(), 'Null: it is in no file.'),
  text: Type.String({ description: 'The rule as it is written, on one line.' }),
})

const Answer = Type.Object({
  hasRules: Type.Boolean({ description: 'False: there are no users, and everybody may do everything.' }),
  isAllowed: Type.Boolean(),
  rule: orNull(Rule, 'What decides; null: no rule fits, which denies, or several allow it together.'),
  filter: orNull(Type.String(), 'The filter of the rule that decides, with the names of who asks filled in.'),
  witness: orNull(Type.String(), 'Of a filter that is subscribed to, what is not allowed.'),
  maxQos: QoS,
  mayRetain: Type.Boolean(),
  includesPast: Type.Boolean(),
  groups: Type.Array(Type.String()),
  missed: Type.Array(
    Type.Object({
      rule: Rule,
      isAllow: Type.Boolean(),
      why: Type.String({ description: 'What keeps the rule from deciding.' }),
    }),
    { description: 'Rules before it that nearly matched, the nearest first; shown to admins only.' },
  ),
  summary: Type.Array(Type.String(), { description: 'The answer in sentences, the most important first.' }),
})

const Query = takes({
  action: Type.Enum(['publish', 'receive', 'subscribe']),
  topic: Type.String({
    minLength: 1,
    maxLength: 65_535,
    description: 'A topic name; to subscribe, a topic filter.',
  }),
  user: Type.Optional(
    Type.String({
      maxLength: 65_535,
      description: 'Whose access it is about; only an admin may ask for others. Left out: who asks.',
    }),
  ),
  clientId: Type.Optional(ClientId),
  address: Type.Optional(Type.String({ maxLength: 64, description: 'Where the client comes from.' })),
  listener: withDefault(
    Type.String({ maxLength: 256, description: 'The name of the listener that the client comes to.' }),
    'mqtt',
  ),
})

export const explainAccess = route('GET', '/access/explain', 'viewer', {
  summary: 'Why somebody may or may not publish, receive or subscribe, and which access rule decides',
  tags: ['explain'],
  querystring: Query,
  response: answers('The explanation.', Answer),
})
