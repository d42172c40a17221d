export type { PartialConfig } from './config/complete.ts'
export { HubbubError, type ErrorCode } from './base/errors.ts'
export {
  createHub,
  type Hub,
  type HubOptions,
  type MessageHandler,
  type PublishOptions,
  type ReceivedMessage,
} from './hub.ts'
export type { DropReason } from './protocol/drop-reasons.ts'
export type { Ledger } from './observe/ledger.ts'
export type { QoS } from './protocol/packet-types.ts'
