/// <reference types="node" preserve="true" />
export type {
  HistoryEntry,
  HistoryOrder,
  HistoryPage,
  HistoryPosition,
  HistoryQuery,
  HistorySnapshot,
  HistorySums,
  HistoryTopicSummary,
  HistoryView,
  ImportSummary,
} from './admin/history-view.ts'
export type { MessageHandler, Published, PublishOptions, ReceivedMessage, SubscribeOptions } from './admin/messages.ts'
export type { OnReload, ReloadReport } from './admin/reload-report.ts'
export type { Address, HubAddresses, ListenerAddress } from './admin/status.ts'
export { HubbubError, type ErrorCode } from './base/errors.ts'
export type { Log, LogFields, LogLevel } from './base/log.ts'
export type { PartialConfig } from './config/config.ts'
export { createHub, type Hub, type HubMetrics, type HubOptions, type StopOptions } from './hub.ts'
export type { Ledger, LimitName, ToleratedFault } from './observe/ledger.ts'
export type { DropReason } from './protocol/drop-reasons.ts'
export { Message } from './protocol/message.ts'
export type { MessageProperties } from './protocol/message-properties.ts'
export type { QoS } from './protocol/packet-types.ts'
export type { SubscriptionOptions } from './protocol/subscription-options.ts'
export { MemoryStore } from './store/memory/memory-store.ts'
export type { ByPacketId } from './store/packet-id-map.ts'
export type { InFlightMessage, SessionState, Store, StoredWill, StoreListener, Terms } from './store/store.ts'
