import { placeText } from '../../auth/denial.ts'
import { topicNameFault } from '../../protocol/topic.ts'
import type { Api, ApiParts } from '../parts.ts'
import { invalidParameter } from '../problem.ts'
import { mayPublish } from '../schemas/access.ts'

/** `access`: what who asks may do, before they try. */
export function accessRoutes(app: Api, { callers, topicLimits }: Pick<ApiParts, 'callers' | 'topicLimits'>): void {
  app.route({
    ...mayPublish,
    handler: (request) => {
      const { topic } = request.query
      const fault = topicNameFault(topic, topicLimits)
      if (fault !== undefined) throw invalidParameter('topic', topic, fault)
      const { rule, isAllowed, maxQos, mayRetain } = callers.viewOf(request).publish(topic)
      const decides = rule === undefined ? null : { place: placeText(rule), text: rule.text }
      return Promise.resolve({ topic, isAllowed, maxQos, mayRetain, rule: decides })
    },
  })
}
