import { toBrokerError as ofAmqp } from '@busbar/amqp/decoders'
import { isBrokerError, type BrokerError } from '@busbar/core/driver'
import { toBrokerError as ofDynamodb } from '@busbar/dynamodb/decoders'
import { toBrokerError as ofKinesis } from '@busbar/kinesis/decoders'
import { toBrokerError as ofMqtt } from '@busbar/mqtt/decoders'
import { entryError, toBrokerError as ofSqs } from '@busbar/sqs/decoders'
import { readFileSync } from 'node:fs'
import { expected, first } from '../checks.ts'
import type { Draw } from '../draw.ts'
import { optional, textLike } from '../inputs.ts'
import { anyText, fragments } from '../mutate/text.ts'
import { target, type Target } from '../target.ts'

/** Every documented code. */
const page = readFileSync(new URL('../../../docs/reference/errors.md', import.meta.url), 'utf8')
const codes = new Set(page.match(/ERR_[A-Z_]+/g))

const name = textLike([
  'ThrottlingException',
  'QueueDoesNotExist',
  'AWS.SimpleQueueService.NonExistentQueue',
  'ResourceNotFoundException',
  'KMSAccessDeniedException',
  'ReplyError',
])
const message = textLike([
  "Operation failed: QueueDeclare; 406 (PRECONDITION-FAILED) with message \"PRECONDITION_FAILED - inequivalent arg 'x' for queue 'a' in vhost\"",
  'Connection refused: Not authorized',
  'One or more parameters cannot be validated. Reason: Message must be shorter than 262144 bytes',
])

const mappers: Readonly<Record<string, (error: unknown) => BrokerError>> = {
  amqp: (error) => ofAmqp(error, 'Sending'),
  mqtt: (error) => ofMqtt(error, 'Sending'),
  sqs: (error) => ofSqs(error, 'Sending'),
  'sqs-entry': (error) => entryError({ Code: (error as Error).name, Message: (error as Error).message }, 'Sending'),
  kinesis: (error) => ofKinesis(error, 'Sending'),
  dynamodb: (error) => ofDynamodb(error, 'claim', 'claims'),
}

/** What clients throw, and what servers have said in it, as one of the documented codes. */
export const errorTargets: readonly Target[] = Object.entries(mappers).map(([driver, map]) =>
  target({
    name: `${driver}-error`,
    generate: nativeError,
    decode: map,
    problem: (error) =>
      first(
        expected(isBrokerError(error) && codes.has(error.code), 'the code is', error.code),
        expected(typeof error.message === 'string' && typeof error.retryable === 'boolean', 'the error is', error),
      ),
  }),
)

function nativeError(draw: Draw): Error {
  const error: Error & { code?: unknown; $metadata?: unknown } = new Error(message(draw))
  error.name = draw.chance(0.3) ? draw.pick(fragments) : name(draw)
  const code = optional(draw, () => draw.pick<unknown>([404, 135, 0, -1, 'ECONNREFUSED', 'CERT_HAS_EXPIRED', anyText(draw)]))
  if (code !== undefined) error.code = code
  if (draw.chance(0.5)) error.$metadata = { httpStatusCode: draw.pick([400, 403, 429, 500, 200, Number.NaN]) }
  return error
}
