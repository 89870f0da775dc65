import { isInput, type Input } from '../input.ts'
import type { WireQueue } from '../sqs/wire-queue.ts'

/** Does the access policy of a queue let SNS send to it on behalf of a topic? A queue without a policy lets nobody. */
export function letsTopicSend(queue: WireQueue, topicArn: string): boolean {
  const policy: unknown = JSON.parse(queue.attributes.get('Policy') ?? '{}')
  const statements = isInput(policy) ? listOf(policy['Statement']).filter(isInput) : []
  const matching = statements.filter((statement) => applies(statement, queue.arn, topicArn))
  return matching.some(({ Effect }) => Effect === 'Allow') && !matching.some(({ Effect }) => Effect === 'Deny')
}

function applies(statement: Input, queueArn: string, topicArn: string): boolean {
  return (
    isSns(statement['Principal']) &&
    listOf(statement['Action']).some((action) => isLike('sqs:sendmessage', String(action).toLowerCase())) &&
    listOf(statement['Resource']).some((resource) => isLike(queueArn, String(resource))) &&
    holds(statement['Condition'] ?? {}, topicArn)
  )
}

function isSns(principal: unknown): boolean {
  if (principal === '*') return true
  if (!isInput(principal)) return false
  return listOf(principal['Service']).includes('sns.amazonaws.com') || listOf(principal['AWS']).includes('*')
}

/** Conditions on the source; any other does not hold. */
function holds(condition: unknown, topicArn: string): boolean {
  if (!isInput(condition)) return false
  const actual: Readonly<Record<string, string>> = { 'aws:sourcearn': topicArn, 'aws:sourceaccount': topicArn.split(':')[4] ?? '' }
  return Object.entries(condition).every(([operator, tests]) => {
    if (!/^(ArnEquals|ArnLike|StringEquals|StringLike)(IfExists)?$/.test(operator) || !isInput(tests)) return false
    return Object.entries(tests).every(([key, values]) => {
      const value = actual[key.toLowerCase()]
      return value !== undefined && listOf(values).some((pattern) => (operator.startsWith('StringEquals') ? pattern === value : isLike(value, String(pattern))))
    })
  })
}

/** `*` stands for any characters, `?` for one. */
function isLike(text: string, pattern: string): boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.')
  return new RegExp(`^${source}$`).test(text)
}

function listOf(value: unknown): readonly unknown[] {
  if (value === undefined) return []
  return Array.isArray(value) ? value : [value]
}
