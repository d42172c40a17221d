import type { Refusal as AuthRefusal } from '../auth/identity.ts'
import { quote } from '../base/quote.ts'
import type { LimitName } from '../observe/ledger.ts'
import type { ConnectPacket, ForeignConnect } from '../protocol/connect-packet.ts'
import { ConnectReturnCode, ReasonCode } from '../protocol/reason-codes.ts'

/** A reason against a CONNECT, for the log and for the client in its version of MQTT. */
export interface Refusal {
  readonly reason: string
  readonly returnCode: number
  readonly reasonCode: ReasonCode
}

const NO_MEMORY: Refusal = {
  reason: 'there is no memory for it (limits.memory)',
  returnCode: ConnectReturnCode.SERVER_UNAVAILABLE,
  reasonCode: ReasonCode.QUOTA_EXCEEDED,
}

/** The hub itself has failed to find out who it is. */
export const UNDECIDED: Refusal = {
  reason: 'the hub could not check the credentials (see the log)',
  returnCode: ConnectReturnCode.SERVER_UNAVAILABLE,
  reasonCode: ReasonCode.SERVER_UNAVAILABLE,
}

const CODES_BY_GATE: Readonly<Record<AuthRefusal['kind'], Omit<Refusal, 'reason'>>> = {
  wrong: {
    returnCode: ConnectReturnCode.BAD_USER_NAME_OR_PASSWORD,
    reasonCode: ReasonCode.BAD_USER_NAME_OR_PASSWORD,
  },
  'not-authorized': { returnCode: ConnectReturnCode.NOT_AUTHORIZED, reasonCode: ReasonCode.NOT_AUTHORIZED },
  busy: { returnCode: ConnectReturnCode.SERVER_UNAVAILABLE, reasonCode: ReasonCode.QUOTA_EXCEEDED },
  banned: { returnCode: ConnectReturnCode.NOT_AUTHORIZED, reasonCode: ReasonCode.CONNECTION_RATE_EXCEEDED },
}

/** No authentication by this method is known. */
export function unknownMethod(method: string): Refusal {
  return {
    reason: `the hub knows no authentication method ${quote(method)}`,
    returnCode: ConnectReturnCode.NOT_AUTHORIZED,
    reasonCode: ReasonCode.BAD_AUTHENTICATION_METHOD,
  }
}

/** Why the gate lets nobody in by these credentials. */
export function refusalByGate({ kind, reason }: AuthRefusal): Refusal {
  return { ...CODES_BY_GATE[kind], reason }
}

/** The session of the client is another user's, whatever the rules say of topics. */
export function foreignSession(clientId: string): Refusal {
  return {
    reason: `the session of client ${quote(clientId)} belongs to another user`,
    returnCode: ConnectReturnCode.NOT_AUTHORIZED,
    reasonCode: ReasonCode.NOT_AUTHORIZED,
  }
}

/** Why the broker has refused a CONNECT. It says that the server is unavailable only because there is no memory. */
export function refusalByBroker(returnCode: number): Omit<Refusal, 'returnCode'> {
  return returnCode === NO_MEMORY.returnCode
    ? { ...NO_MEMORY, reason: `CONNECT refused: ${NO_MEMORY.reason}` }
    : { reason: `CONNECT refused with return code ${returnCode}`, reasonCode: ReasonCode.UNSPECIFIED_ERROR }
}

/** What there is to say against a CONNECT that is well-formed; undefined: nothing. */
export function refusalOf(
  connect: ConnectPacket | ForeignConnect,
  overLimit: LimitName | undefined,
): Refusal | undefined {
  if (connect.clientId === undefined) {
    return {
      reason: `protocol level ${connect.protocolLevel} is not spoken here, only MQTT 3.1, 3.1.1 and 5`,
      returnCode: ConnectReturnCode.UNACCEPTABLE_PROTOCOL_VERSION,
      reasonCode: ReasonCode.UNSUPPORTED_PROTOCOL_VERSION,
    }
  }
  const { clientId, isClean, protocolLevel } = connect
  if (clientId === '' && (protocolLevel === 3 || (protocolLevel === 4 && !isClean))) {
    // [MQTT-3.1.3-8], and MQTT 3.1 knows no empty identifier
    return {
      reason: 'the client identifier is empty and the session is to be kept',
      returnCode: ConnectReturnCode.IDENTIFIER_REJECTED,
      reasonCode: ReasonCode.CLIENT_IDENTIFIER_NOT_VALID,
    }
  }
  if (overLimit === undefined) return undefined
  if (overLimit === 'memory') return NO_MEMORY
  const isOfAddress = overLimit === 'connections-per-address'
  return {
    reason: isOfAddress
      ? 'too many connections from its address (limits.maxConnectionsPerAddress)'
      : 'too many connections (limits.maxConnections)',
    returnCode: ConnectReturnCode.SERVER_UNAVAILABLE,
    reasonCode: ReasonCode.QUOTA_EXCEEDED,
  }
}
