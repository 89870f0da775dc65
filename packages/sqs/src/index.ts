/**
 * Amazon SQS for Busbar, on the AWS SDK for JavaScript v3.
 *
 * @module
 */
export { allowAccount, allowBucket, allowRule, allowTopic } from './allow.ts'
export type { CloudWatchLike } from './oldest-age.ts'
export type { SqsOptions } from './options.ts'
export type { PolicyStatement } from './policy.ts'
export { requiredPolicy, type IamPolicy, type IamStatement, type RequiredPolicyOptions, type SqsRole } from './required-policy.ts'
export type { SqsRouteOptions } from './route-options.ts'
export { sqs } from './sqs-driver.ts'
