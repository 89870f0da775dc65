import { createHash } from 'node:crypto'
import { configuration } from './errors.ts'
import type { PolicyStatement } from './policy.ts'

// Statements for the option `policy` of a route: who besides the queue's own account may use it. Each has a Sid of its own, so that it is found again.

/** Lets a topic of SNS send to the queue. Throws `ERR_CONFIGURATION` for what is no ARN of a topic. */
export function allowTopic(topicArn: string): PolicyStatement {
  check(topicArn, /^arn:[a-z-]+:sns:[a-z0-9-]+:\d{12}:[\w-]+(\.fifo)?$/, 'the ARN of a topic')
  return sending('Topic', topicArn, { Service: 'sns.amazonaws.com' }, { ArnEquals: { 'aws:SourceArn': topicArn } })
}

/** Lets S3 send the events of a bucket to the queue; `account` owns the bucket: names of buckets that were deleted can be taken by others. Throws `ERR_CONFIGURATION`. */
export function allowBucket(bucketArn: string, account: string): PolicyStatement {
  check(bucketArn, /^arn:[a-z-]+:s3:::[a-z0-9.-]{3,63}$/, 'the ARN of a bucket')
  checkAccount(account)
  const condition = { ArnLike: { 'aws:SourceArn': bucketArn }, StringEquals: { 'aws:SourceAccount': account } }
  return sending('Bucket', bucketArn, { Service: 's3.amazonaws.com' }, condition)
}

/** Lets a rule of EventBridge send to the queue. Throws `ERR_CONFIGURATION` for what is no ARN of a rule. */
export function allowRule(ruleArn: string): PolicyStatement {
  check(ruleArn, /^arn:[a-z-]+:events:[a-z0-9-]+:\d{12}:rule\/[\w./-]+$/, 'the ARN of a rule')
  return sending('Rule', ruleArn, { Service: 'events.amazonaws.com' }, { ArnEquals: { 'aws:SourceArn': ruleArn } })
}

/** Lets another account use the queue, within what that account allows its own principals. `actions`: at most seven. Throws `ERR_CONFIGURATION`. */
export function allowAccount(account: string, actions: readonly string[] = ['sqs:SendMessage', 'sqs:GetQueueUrl', 'sqs:GetQueueAttributes']): PolicyStatement {
  checkAccount(account)
  if (actions.length === 0 || actions.length > 7 || !actions.every((action) => /^sqs:[A-Za-z]+$/.test(action)))
    throw configuration('sqs: allowAccount takes 1 to 7 actions, such as sqs:SendMessage')
  return { Sid: sidOf('Account', account), Effect: 'Allow', Principal: { AWS: account }, Action: [...actions] }
}

function sending(what: string, source: string, principal: unknown, condition: unknown): PolicyStatement {
  return { Sid: sidOf(what, source), Effect: 'Allow', Principal: principal, Action: 'sqs:SendMessage', Condition: condition }
}

/** Letters and digits, the same for the same source. */
function sidOf(what: string, source: string): string {
  return `Busbar${what}${createHash('sha256').update(source).digest('hex').slice(0, 16)}`
}

function checkAccount(account: string): void {
  check(account, /^\d{12}$/, 'an account, twelve digits')
}

function check(value: unknown, pattern: RegExp, what: string): void {
  if (typeof value !== 'string' || !pattern.test(value)) throw configuration(`sqs: '${String(value).slice(0, 100)}' is not ${what}`)
}
