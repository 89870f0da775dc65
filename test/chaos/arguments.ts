import { parseArgs } from 'node:util'

export interface ChaosArguments {
  readonly backends: readonly string[]
  readonly messages: number
  readonly seed: number
  readonly minutes: number
  /** Histories are kept also if all is well. */
  readonly keep: boolean
  /** That there is nothing to run on, or no Redis for idempotency, is no error. */
  readonly maySkip: boolean
}

export const usage = `npm run chaos -- [backend …] [options]

  backend              amqp, sqs, sns, kinesis, mqtt, redis or all; default all. Redis is the store of claims
  --messages <number>  that are sent on each backend, and some more at the end, 100 to 10,000,000. Default 20,000
  --seed <number>      decides the faults. Default: drawn, and printed
  --minutes <number>   for which they strike on each backend, 0.05 to 600. Default 1
  --keep               keep the histories also if all is well
  --may-skip           where none of the backends or no Redis can be had, end with 0 instead of 1`

/** Throws `TypeError` or `RangeError` with a sentence for the user. */
export function parseArguments(args: readonly string[], known: readonly string[]): ChaosArguments {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      messages: { type: 'string', default: '20000' },
      seed: { type: 'string', default: String(Math.floor(Math.random() * 1_000_000)) },
      minutes: { type: 'string', default: '1' },
      keep: { type: 'boolean', default: false },
      'may-skip': { type: 'boolean', default: false },
    },
  })
  const unknown = positionals.filter((name) => name !== 'all' && !known.includes(name))
  if (unknown.length > 0) throw new TypeError(`there is no backend ${unknown.join(', ')}`)
  const seed = Number(values.seed)
  if (!Number.isInteger(seed) || seed < 0 || seed >= 2 ** 32) throw new RangeError('--seed must be a whole number below 2 to the 32nd')
  const messages = Number(values.messages)
  if (!Number.isInteger(messages) || messages < 100 || messages > 10_000_000) throw new RangeError('--messages must be a whole number from 100 to 10,000,000')
  const minutes = Number(values.minutes)
  if (!(minutes >= 0.05 && minutes <= 600)) throw new RangeError('--minutes must be a number from 0.05 to 600')
  const backends = positionals.length === 0 || positionals.includes('all') ? known : known.filter((name) => positionals.includes(name))
  return { backends, messages, seed, minutes, keep: values.keep, maySkip: values['may-skip'] }
}
