export {
  constant,
  decorrelated,
  exponential,
  linear,
  type Backoff,
  type DecorrelatedOptions,
  type ExponentialOptions,
  type Jitter,
  type LinearOptions,
} from './backoff.ts'
export type { AddressParameters } from './address/address-template.ts'
export { createBroker } from './broker/create-broker.ts'
export type {
  BatchHandler,
  Broker,
  BrokerOptions,
  Emulation,
  Handler,
  HealthReport,
  SourceStats,
  StatsOptions,
  Logger,
  LogLevel,
  ProvisionMode,
  ProvisionResult,
  RequestOptions,
  Route,
} from './broker/types.ts'
export type { Clock, Timer } from './clock.ts'
export { bytes } from './codec/bytes.ts'
export type { Codec } from './codec/codec.ts'
export { json } from './codec/json.ts'
export { text } from './codec/text.ts'
export { connect } from './connect/connect.ts'
export type { BrokerConfiguration, ConnectOptions, DriverConfiguration, RouteConfiguration } from './connect/types.ts'
export type { BlockedKey, BlockedKeys, BlockedKeysOptions, SkipOptions } from './consumer/blocked-keys-types.ts'
export type { RetryBudget } from './consumer/retry-budget.ts'
export type { ConsumeBatchesOptions, ConsumeOptions, Consumer, ConsumerStats, MessagesOptions } from './consumer/types.ts'
export type { DeadLetter, DeadLetterFilter, DeadLetterInfo, DeadLetters, PagesOptions, RedriveOptions } from './dead-letters/types.ts'
export { queue } from './definitions/queue.ts'
export { stream } from './definitions/stream.ts'
export { topic } from './definitions/topic.ts'
export type { TopicTemplate } from './definitions/topic-template.ts'
export type {
  AnyDefinition,
  AnyDestination,
  AnySource,
  DestinationOf,
  DestinationOptions,
  InputOf,
  Misuse,
  OneWayOptions,
  OutputOf,
  ParametersIn,
  ParametersOf,
  Queue,
  RequestableOf,
  Requirements,
  SendOptionsOf,
  SourceOf,
  Stream,
  StreamSubscriptionOptions,
  Subscription,
  SubscriptionOptions,
  Topic,
  Typed,
} from './definitions/types.ts'
export { BrokerError, isBrokerError, type BrokerErrorOptions, type ErrorCode } from './errors.ts'
export type { Filter, FilterOn, HeaderFilter } from './filter/grammar.ts'
export type { JsonView } from './json-view.ts'
export type { HandlerContext, Message, Settlement } from './message.ts'
export type {
  ConsumerPlace,
  Next,
  ProcessContext,
  ProcessFunction,
  ProcessMiddleware,
  ProcessSettlement,
  RetryDeclaration,
  SendContext,
  SendFunction,
  SendMiddleware,
  SendReceipt,
} from './middleware/types.ts'
export type { ProcessStage, SendStage } from './middleware/stages.ts'
export { deadLetter, Directive, retryLater } from './outcome.ts'
export type { BatchResult, Producer, ProducerOptions, SendOptions } from './producer/types.ts'
export type { StandardSchema } from './standard-schema.ts'
export { systemClock } from './system-clock.ts'
export type { Telemetry } from './telemetry.ts'
