import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'

export interface FuzzArguments {
  readonly names: readonly string[]
  readonly inputs: number
  readonly seed: number
  /** First index. */
  readonly from: number
  readonly threads: number
}

export const usage = `npm run fuzz -- [target …|all] [options]

  target              part of the name of a decoder; default all
  --inputs <number>   for each, 1 to 1,000,000,000. Default 100,000
  --seed <number>     decides the inputs. Default: drawn, and printed
  --index <number>    decodes the input with this index alone, and prints it
  --threads <number>  1 to 64. Default: two, or the number of processors if that is less`

/** Throws `TypeError` or `RangeError` with a sentence for the user. */
export function parseArguments(args: readonly string[], known: readonly string[]): FuzzArguments {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      inputs: { type: 'string', default: '100000' },
      seed: { type: 'string', default: String(Math.floor(Math.random() * 1_000_000)) },
      index: { type: 'string' },
      threads: { type: 'string', default: String(Math.min(2, availableParallelism())) },
    },
  })
  const chosen = positionals.length === 0 || positionals.includes('all') ? known : known.filter((name) => positionals.some((part) => name.includes(part)))
  const unknown = positionals.filter((part) => part !== 'all' && !known.some((name) => name.includes(part)))
  if (unknown.length > 0) throw new TypeError(`there is no target ${unknown.join(', ')}; known: ${known.join(', ')}`)
  const from = values.index === undefined ? 0 : whole('index', values.index, 0, 2 ** 31 - 2)
  return {
    names: chosen,
    from,
    inputs: values.index === undefined ? whole('inputs', values.inputs, 1, 1_000_000_000) : 1,
    seed: whole('seed', values.seed, 0, 2 ** 32 - 1),
    threads: whole('threads', values.threads, 1, 64),
  }
}

function whole(name: string, text: string, least: number, most: number): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < least || value > most) throw new RangeError(`--${name} must be a whole number from ${least} to ${most}`)
  return value
}
