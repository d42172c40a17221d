import { anonymous, type Gate } from '../auth/gate.ts'
import type { Identity } from '../auth/identity.ts'
import type { AccessExplanation, AccessQuestion } from '../auth/rules/explain-access.ts'

/** Whose access it is about. */
export interface AccessAsker {
  /** Somebody who is known already, as who asks for himself; else the user is looked up. */
  readonly identity: Identity | undefined
  /** Undefined: somebody without a user name. */
  readonly user: string | undefined
  readonly clientId: string | undefined
  /** The IP address that the client comes from. */
  readonly host: string
  readonly listener: string
}

/** Why somebody may or may not do something. */
export type AccessAnswer = AccessExplanation & {
  /** There are users, so rules are asked. */
  readonly hasRules: boolean
}

const EVERYTHING: AccessAnswer = {
  hasRules: false,
  isAllowed: true,
  rule: undefined,
  filter: undefined,
  witness: undefined,
  maxQos: 2,
  mayRetain: true,
  includesPast: true,
  groups: [],
  missed: [],
  summary: ['There are no users yet: until there are, everybody may do everything.'],
}

export function explainAccess(gate: Gate, asker: AccessAsker, question: AccessQuestion): AccessAnswer {
  const { user, clientId, host, listener } = asker
  const peer = { host, listener, certificateName: undefined }
  const known = asker.identity ?? (user === undefined ? undefined : gate.identityOf(user, Date.now(), peer))
  const nobody = { ...anonymous({ clientId }, peer), user }
  const explanation = gate.explain(known === undefined ? nobody : { ...known, clientId, host, listener }, question)
  if (explanation === undefined) return EVERYTHING
  const isUnknown = user !== undefined && known === undefined
  const note = isUnknown ? ['This user is not known here; a token may know more of him.'] : []
  return { hasRules: true, ...explanation, summary: [...explanation.summary, ...note] }
}
