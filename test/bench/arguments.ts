import { parseArgs } from 'node:util'

export interface BenchArguments {
  readonly suites: readonly string[]
  readonly jsonFile: string | undefined
  readonly rounds: number
  readonly quick: boolean
  readonly only: readonly string[]
  readonly gate: boolean
  readonly withoutPeers: boolean
  readonly profileFolder: string | undefined
}

export const usage = `usage: npm run bench -- [suite ...|all] [--only TEXT …] [--json FILE] [--rounds N] [--without-peers] [--quick] [--gate] [--profile FOLDER]`

const defaultRounds = 7
const quickRounds = 3
const maxRounds = 100

/** Throws a `TypeError` or `RangeError` that says what is wrong. Without suites, or with `all`: all of them; those of `always` run in any case. */
export function parseArguments(args: readonly string[], known: readonly string[], always: readonly string[]): BenchArguments {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      json: { type: 'string' },
      rounds: { type: 'string' },
      quick: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true, default: [] },
      gate: { type: 'boolean', default: false },
      'without-peers': { type: 'boolean', default: false },
      profile: { type: 'string' },
    },
  })
  const everything = positionals.length === 0 || positionals.includes('all')
  for (const suite of positionals)
    if (suite !== 'all' && !known.includes(suite)) throw new TypeError(`there is no suite '${suite}'; there are: ${known.join(', ')}, all`)
  const rounds = Number(values.rounds ?? (values.quick ? quickRounds : defaultRounds))
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > maxRounds)
    throw new RangeError(`--rounds is a whole number from 1 to ${maxRounds}, not '${values.rounds}'`)
  return {
    suites: everything ? known : known.filter((suite) => always.includes(suite) || positionals.includes(suite)),
    jsonFile: values.json,
    rounds,
    quick: values.quick,
    only: values.only,
    gate: values.gate,
    withoutPeers: values['without-peers'],
    profileFolder: values.profile,
  }
}
