import { isIP } from 'node:net'
import type { RulePlace } from '../../auth/rules/place.ts'
import { matchedFilter, subscriptionFault } from '../../protocol/shared-filter.ts'
import { topicNameFault } from '../../protocol/topic.ts'
import { routedFilter } from '../../session/subscriptions.ts'
import type { Api, ApiParts } from '../parts.ts'
import { HttpProblem, invalidParameter } from '../problem.ts'
import { includesRole } from '../roles.ts'
import { explainAccess } from '../schemas/explain-access.ts'

/** `access/explain`: why may somebody not do it? */
export function explainAccessRoute(app: Api, { admin, callers, topicLimits }: ApiParts): void {
  app.route({
    ...explainAccess,
    handler: (request) => {
      const { action, topic, user, clientId, address = request.ip, listener } = request.query
      const fault = (action === 'subscribe' ? subscriptionFault : topicNameFault)(topic, topicLimits)
      if (fault !== undefined) throw invalidParameter('topic', topic, fault)
      if (isIP(address) === 0) throw invalidParameter('address', address, 'it must be an IP address')
      const { identity, role } = callers.of(request)
      const isOwn = user === undefined || user === identity?.user
      if (!isOwn && !includesRole(role, 'admin')) {
        throw new HttpProblem('forbidden', 'Only an admin may ask what others may do.')
      }
      const asked = action === 'subscribe' ? routedFilter(matchedFilter(topic)) : topic
      const answer = admin.explainAccess(
        { identity: isOwn ? identity : undefined, user, clientId, host: address, listener },
        { action, topic: asked },
      )
      const { rule, filter, witness, groups, missed, summary, ...rest } = answer
      return {
        ...rest,
        rule: rule === undefined ? null : ruleJson(rule),
        filter: filter ?? null,
        witness: witness ?? null,
        groups: [...groups],
        // Rules that concern others are for admins.
        missed: (includesRole(role, 'admin') ? missed : []).map(({ rule: other, isAllow, why }) => ({
          rule: ruleJson(other),
          isAllow,
          why,
        })),
        summary: [...summary],
      }
    },
  })
}

function ruleJson({ file, line, text }: RulePlace) {
  return { file, line: line ?? null, text }
}
