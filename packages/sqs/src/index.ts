/**
 * Amazon SQS for Busbar, on the AWS SDK for JavaScript v3.
 *
 * @module
 */
export { allowAccount, allowBucket, allowRule, allowTopic } from './allow.ts'
export type { CloudWatchLike } from './oldest-age.ts'
export type { SqsOptions } from './options.ts'
export type { PolicyStatement } from './policy.ts'
export type { IamPolicy, IamStatement } from './grants.ts'
export type { SqsRole, PolicySurroundings } from './queue-grants.ts'
export { requiredPolicy, type RequiredPolicyOptions } from './required-policy.ts'
export type { SqsRouteOptions } from './route-options.ts'
export { sqs } from './sqs-driver.ts'
