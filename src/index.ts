export { HubbubError, type ErrorCode } from './errors.ts'
export type { QoS } from './protocol/packet-types.ts'
