/**
 * What the driver for SNS shares with this one: subscriptions are queues, and topics are sent to as queues are. Not for applications: it changes without notice.
 *
 * @module
 */
export { isAttribute } from './attributes.ts'
export { ErrorMapper, isNotDone } from './aws-errors.ts'
export { BatchSender, type BatchAnswer, type BatchTarget, type EntryParts, type Refused } from './batch-sender.ts'
export { Calls, type CallContext } from './calls.ts'
export { OptionChecks } from './checks.ts'
export { checkAttempts, checkIdentity, clientConfig } from './clients.ts'
export { Grants } from './grants.ts'
export { uniqueIds } from './groups.ts'
export { limits } from './limits.ts'
export { physicalName, queueOf, type QueueName } from './names.ts'
export { resolveTimes, timeNames, type QueueTimes } from './options.ts'
export { isSameDocument } from './policy.ts'
export { grantRole, grantStart, grantStats } from './queue-grants.ts'
export { checkPolicyOptions, checkRoles, grantQueues, queueRoles } from './required-policy.ts'
export type { ShortPath } from './short-path.ts'
export { leastHeld, SqsDriver } from './sqs-driver.ts'
