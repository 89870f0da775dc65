import { parseArgs } from 'node:util'

export interface SoakArguments {
  readonly drivers: readonly string[]
  readonly minutes: number
  /** Messages a second. */
  readonly rate: number
  /** That there is nothing to run on is no error. */
  readonly maySkip: boolean
}

export const usage = `npm run soak -- [driver …|all] [options]

  driver              memory, amqp, sqs, sns, kinesis or mqtt; default all; those named run at the same time
  --minutes <number>  for each, 0.05 to 1,440. Default 2
  --rate <number>     messages a second, 1 to 10,000. Default 200; where the bed takes fewer, it says so
  --may-skip          where none of the drivers has a broker to run on, end with 0 instead of 1`

/** Throws `TypeError` or `RangeError` with a sentence for the user. */
export function parseArguments(args: readonly string[], known: readonly string[]): SoakArguments {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      minutes: { type: 'string', default: '2' },
      rate: { type: 'string', default: '200' },
      'may-skip': { type: 'boolean', default: false },
    },
  })
  const unknown = positionals.filter((name) => name !== 'all' && !known.includes(name))
  if (unknown.length > 0) throw new TypeError(`there is no driver ${unknown.join(', ')}`)
  const minutes = Number(values.minutes)
  if (!(minutes >= 0.05 && minutes <= 1_440)) throw new RangeError('--minutes must be a number from 0.05 to 1,440')
  const rate = Number(values.rate)
  if (!(rate >= 1 && rate <= 10_000)) throw new RangeError('--rate must be a number from 1 to 10,000')
  const drivers = positionals.length === 0 || positionals.includes('all') ? known : known.filter((name) => positionals.includes(name))
  return { drivers, minutes, rate, maySkip: values['may-skip'] }
}
