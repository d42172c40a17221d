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
export type { Ledger, DropReason } from './observe/ledger.ts'
export type { QoS } from './protocol/packet-types.ts'
