import { type TSchema, Type } from 'typebox'
import { SHORT_PAYLOAD_BYTES } from '../shown-payload.ts'
import { withDefault } from './route.ts'

const MAX_TEXT = 65_535

export const Limit = withDefault(Type.Integer({ minimum: 1, maximum: 1000, description: 'Entries on a page.' }), 100)

export const Cursor = Type.String({
  maxLength: 200_000,
  description:
    '`nextCursor` of the previous page. If the list changes meanwhile, no entry comes twice, and none that stays is left out.',
})

export const NextCursor = orNull(Type.String(), 'Continues after this page; null at the end.')

/** What may not be there; the description says what null means. */
export function orNull<T extends TSchema>(schema: T, description?: string) {
  return Type.Union([schema, Type.Null()], description === undefined ? {} : { description })
}

export const TopicName = Type.String({
  minLength: 1,
  maxLength: MAX_TEXT,
  description: 'A topic name, without wildcards.',
})

export const TopicFilter = Type.String({
  minLength: 1,
  maxLength: MAX_TEXT,
  description: 'A topic filter: "+" stands for one level, "#" at the end for all below.',
})

export const ClientId = Type.String({ minLength: 1, maxLength: MAX_TEXT, description: 'A client identifier.' })

export const QoS = Type.Enum([0, 1, 2], {
  description: 'Quality of service.',
})

export const TimeMs = Type.Number({ description: "In ms since 1970, by the hub's clock." })

export const Count = Type.Integer({ minimum: 0 })

/** A number that need not be whole. */
export const Amount = Type.Number({ minimum: 0 })

const Text = Type.String({ maxLength: MAX_TEXT })

/** The properties of MQTT 5 that a message carries to its receivers. */
export const Properties = Type.Object(
  {
    isText: Type.Optional(Type.Boolean({ description: 'Payload Format Indicator: the payload is UTF-8.' })),
    messageExpirySeconds: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 4_294_967_295,
        description: 'Seconds from now until it expires.',
      }),
    ),
    contentType: Type.Optional(Text),
    responseTopic: Type.Optional(TopicName),
    correlationData: Type.Optional(
      Type.String({ maxLength: MAX_TEXT, description: 'As text; or give `correlationDataBase64`.' }),
    ),
    correlationDataBase64: Type.Optional(Type.String({ maxLength: 90_000 })),
    userProperties: Type.Optional(
      Type.Array(Type.Tuple([Text, Text]), { maxItems: 1000, description: 'Pairs of name and value, in order.' }),
    ),
  },
  { additionalProperties: false },
)

/** The payload of a message: as text when it is UTF-8, else in base64. */
export const PayloadFields = {
  payload: Type.Optional(Type.String({ description: 'The payload as text, when it is UTF-8.' })),
  payloadBase64: Type.Optional(Type.String({ description: 'The payload, when it is not UTF-8.' })),
}

/** What is shown of the payload of a message that was published. */
const ShownPayloadFields = {
  ...PayloadFields,
  payloadBytes: Type.Integer({ description: 'Bytes of the whole payload.' }),
  isWhole: Type.Boolean({ description: 'False: `payload` or `payloadBase64` is how it begins.' }),
}

/** How much a request wants of each payload. */
export const ShownPayloads = withDefault(
  Type.Enum(['short', 'full'], { description: `short: the first ${SHORT_PAYLOAD_BYTES} bytes of a payload.` }),
  'short' as const,
)

/** A message that was published. */
export const ShownMessageFields = {
  topic: Type.String(),
  ...ShownPayloadFields,
  qos: QoS,
  retain: Type.Boolean(),
  properties: Type.Optional(Properties),
}

/** A message that is published. */
export const MessageFields = {
  topic: Type.String(),
  ...PayloadFields,
  qos: QoS,
  retain: Type.Boolean(),
  properties: Type.Optional(Properties),
}
