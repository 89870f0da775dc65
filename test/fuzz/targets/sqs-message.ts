import type { Message, MessageAttributeValue } from '@aws-sdk/client-sqs'
import { incomingOf, mergedPolicy, receiveCount, redrivePolicyOf, type Reading } from '@busbar/sqs/decoders'
import { expected, first, incoming as incomingProblem, isCount, optionalCount } from '../checks.ts'
import type { Draw } from '../draw.ts'
import { jsonLike, optional, textLike } from '../inputs.ts'
import { anyText } from '../mutate/text.ts'
import { target, withCode } from '../target.ts'
import { snsNotification } from './foreign-events.ts'
import { packedDeath, packedHeaders, packedMetadata } from './headers.ts'

const names = ['busbar', 'busbar-headers', 'busbar-encoding', 'busbar-dead', 'tenant', 'traceparent', 'CC', 'x-death', 'constructor', 'busbar-envelope']
const body = textLike(['{"total":1}', 'aGVsbG8=', '(empty)', ''])
const envelope = jsonLike([snsNotification, { ...snsNotification, MessageAttributes: { busbar: { Type: 'String', Value: '{"v":1,"i":"m"}' } } }])
const systemNumber = textLike(['1767225600000', '1', ''])
const statement = { Sid: 'a', Effect: 'Allow', Principal: { Service: 'sns.amazonaws.com' }, Action: 'sqs:SendMessage', Resource: 'arn:q' }
const policy = jsonLike([{ Version: '2012-10-17', Statement: [statement, { ...statement, Sid: 'b', Action: ['sqs:*'] }] }, { Statement: statement }])
const redrivePolicy = jsonLike([
  { deadLetterTargetArn: 'arn:aws:sqs:eu-central-1:123456789012:dead', maxReceiveCount: '5' },
  { deadLetterTargetArn: 'a', maxReceiveCount: 5 },
])
const unreadable = withCode('ERR_CONFIGURATION')

/** Messages as the SDK hands them over, of any sender, and what queues say of themselves. */
export const sqsTargets = [
  target({
    name: 'sqs-message',
    generate: (draw) => ({ native: message(draw), reading: reading(draw) }),
    decode: ({ native, reading }) => ({ incoming: incomingOf(native, reading), received: receiveCount(native) }),
    problem: ({ incoming, received }) => first(incomingProblem(incoming), optionalCount('the count of receives', received)),
  }),
  target({
    name: 'sqs-policy',
    generate: (draw) => (draw.chance(0.02) ? undefined : policy(draw)),
    decode: (text) => mergedPolicy(text, [{ ...statement, Effect: 'Allow' as const }], 'arn:q'),
    problem: (merged) =>
      merged === undefined ? undefined : expected(Array.isArray((JSON.parse(merged) as { readonly Statement?: unknown }).Statement), 'it is no policy', merged),
    mayThrow: unreadable,
  }),
  target({
    name: 'sqs-redrive-policy',
    generate: (draw) => ({ QueueArn: 'arn:q', RedrivePolicy: redrivePolicy(draw) }),
    decode: redrivePolicyOf,
    problem: (found) =>
      found && expected(typeof found.deadLetterTargetArn === 'string' && isCount(found.maxReceiveCount) && found.maxReceiveCount > 0, 'it is no policy', found),
    mayThrow: unreadable,
  }),
]

function reading(draw: Draw): Reading {
  return { fifo: draw.chance(0.5), envelope: draw.chance(0.5) ? 'sns' : undefined, isDeadLetterPlace: draw.chance(0.5), addressOf: (arn) => `queue ${arn}` }
}

function message(draw: Draw): Message {
  const attributes: Record<string, MessageAttributeValue> = {}
  for (let left = draw.below(6); left > 0; left--) {
    const name = draw.chance(0.8) ? draw.pick(names) : anyText(draw)
    // As the SDK does it: `__proto__` sets the prototype.
    attributes[name] = attribute(draw, name)
  }
  const system = {
    SentTimestamp: optional(draw, systemNumber),
    ApproximateReceiveCount: optional(draw, systemNumber),
    MessageGroupId: optional(draw, (inner) => inner.pick(['truck-7', 'busbar-unkeyed:x', ''])),
    DeadLetterQueueSourceArn: optional(draw, (inner) => anyText(inner), 0.2),
  }
  return {
    MessageId: optional(draw, () => 'm-1', 0.95),
    ReceiptHandle: 'r',
    Body: optional(draw, draw.chance(0.4) ? envelope : body, 0.98),
    MessageAttributes: optional(draw, () => attributes, 0.95),
    Attributes: optional(draw, () => Object.fromEntries(Object.entries(system).filter(([, value]) => value !== undefined)), 0.95),
  }
}

function attribute(draw: Draw, name: string): MessageAttributeValue {
  if (draw.chance(0.1)) return { DataType: 'Binary', BinaryValue: draw.bytes(draw.below(12)) }
  if (draw.chance(0.02)) return { DataType: 'String' }
  return { DataType: draw.pick(['String', 'Number', 'String.label']), StringValue: draw.chance(0.1) ? anyText(draw) : valueFor(draw, name) }
}

function valueFor(draw: Draw, name: string): string {
  if (name === 'busbar') return packedMetadata(draw)
  if (name === 'busbar-headers') return packedHeaders(draw)
  if (name === 'busbar-encoding') return draw.pick(['base64', 'empty', 'gzip', ''])
  return name === 'busbar-dead' ? packedDeath(draw) : anyText(draw)
}
