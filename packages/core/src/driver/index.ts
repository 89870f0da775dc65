/** The contract between core and an adapter, and the helpers that adapters share. */
export { AddressTemplate, type AddressParameters } from '../address/address-template.ts'
export type { Clock, Timer } from '../clock.ts'
export type { Capabilities, Exactness, Refusal } from './capabilities.ts'
export type { BrowsePage, Driver, DriverFactory, EndpointStats, Link, LinkHealth, MoveOptions, Services } from './driver.ts'
export { refusedTemplate } from './refused-template.ts'
export { mustKeepAll, type Endpoint, type EndpointSubscription, type StartFrom } from './endpoint.ts'
export {
  longestClaimMs,
  type Claim,
  type ClaimRequest,
  type ClaimResult,
  type FencedStore,
  type LeaseStore,
  type MaybePromise,
  type Note,
  type StoredClaim,
} from './fenced-store.ts'
export type { Delivery, Incoming, Intake, Outcome, Receiver, Scope, SettleResult, Window } from './receiver.ts'
export type { Replies } from './replies.ts'
export type { Body, Headers, Outgoing, Sender, SendResult } from './sender.ts'
export type { Change, Topology } from './topology.ts'
export { endpointsOf, type PlannedEndpoint } from './endpoints-of.ts'
export { BrokerError, isBrokerError, type BrokerErrorOptions, type ErrorCode } from '../errors.ts'
export { isBrokerOwned, noHeaders } from '../headers.ts'
export { metadataHeader, metadataVersion, noMetadata, packMetadata, unpackMetadata, type Metadata } from './metadata.ts'
export { checkedInteger, checkedNumber } from '../checked-number.ts'
export { deliveriesPerAttempt } from '../consumer/retry-budget.ts'
export { longestHoldMs } from '../consumer/wait-plan.ts'
export { Sweep } from '../sweep.ts'
export { ChurningMap } from '../churning-map.ts'
export { bodyBytes, bodyText } from '../codec/body.ts'
export { assertKnownKeys, nearest, suggestion } from '../nearest.ts'
export { kindOf } from '../kind-of.ts'
export { promised } from '../promised.ts'
export { jittered, jitteredBackoff } from '../jitter.ts'
export { sleep } from '../sleep.ts'
export { pauseFor, within } from './within.ts'
export { isTlsFault } from './tls-fault.ts'
export { isLoopback } from './loopback.ts'
export { dialAgain, type Dialing } from './dial-again.ts'
export { Denials } from './denials.ts'
export { unlessAborted } from '../waiting.ts'
export { envelopeHead, openEnvelope, type Opened } from './envelope.ts'
export { PrefixTracker, type Tracked } from './prefix-tracker.ts'
export { compileFilter, compileHeaderFilter } from './compile-filter.ts'
