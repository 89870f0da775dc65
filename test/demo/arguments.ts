import { parseArgs } from 'node:util'

export interface DemoArguments {
  /** `memory`, `amqp`, `mqtt`, `sqs`, or the URL of a RabbitMQ that runs already. */
  readonly broker: string
  readonly messages: number
  readonly faults: boolean
  readonly maySkip: boolean
  readonly help: boolean
}

export const usage = `npm run demo -- [options]

  --broker memory|amqp|mqtt|sqs
                       where it runs; amqp starts a private RabbitMQ, mqtt a mosquitto, sqs an emulator of SQS and SNS. Default memory
  --broker amqp://…    a RabbitMQ that runs already
  --messages <number>  100 to 1,000,000. Default 2,000
  --faults             break things on purpose while it runs, with more middleware
  --may-skip           where no RabbitMQ or mosquitto can be had, say so and end with 0 instead of 1`

/** Throws `TypeError` or `RangeError` with a sentence for the user. */
export function parseArguments(args: readonly string[]): DemoArguments {
  const { values } = parseArgs({
    args: [...args],
    options: {
      broker: { type: 'string', default: 'memory' },
      messages: { type: 'string', default: '2000' },
      faults: { type: 'boolean', default: false },
      'may-skip': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  const { broker, faults, help, 'may-skip': maySkip } = values
  if (!['memory', 'amqp', 'mqtt', 'sqs'].includes(broker) && !/^amqps?:\/\//.test(broker))
    throw new TypeError(`--broker must be memory, amqp, mqtt, sqs or an amqp:// URL`)
  const messages = Number(values.messages)
  if (!Number.isInteger(messages) || messages < 100 || messages > 1_000_000) throw new RangeError(`--messages must be a whole number from 100 to 1,000,000`)
  return { broker, messages, faults, maySkip, help }
}
