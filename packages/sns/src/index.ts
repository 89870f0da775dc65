/**
 * Amazon SNS for Busbar, on the AWS SDK for JavaScript v3: topics, with subscriptions that are queues of Amazon SQS.
 *
 * @module
 */
export type { SnsOptions } from './options.ts'
export { publishDirect, type ProtocolTexts, type Publication, type PublicationAttribute, type Published } from './publish-direct.ts'
export { requiredPolicy, type RequiredPolicyOptions } from './required-policy.ts'
export type { SnsRouteOptions, SnsSubscriptionOptions } from './route-options.ts'
export { sns } from './sns-driver.ts'
