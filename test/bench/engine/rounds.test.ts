import { expect, it } from 'vitest'
import { runRounds, turnsOf, type Trial } from './rounds.ts'

const a = { name: 'A' }
const b = { name: 'B' }
const c = { name: 'C' }
const seldom = { name: 'S', every: 2 }

it('begins with each trial of a group in turn, and goes the other way after each round', () => {
  expect(orders([a, b, c], 7)).toEqual(['ABC', 'CBA', 'BCA', 'ACB', 'CAB', 'BAC', 'ABC'])
})

it('lets those that take part in all rounds be the first equally often, whoever else takes part in some', () => {
  const all = orders([a, b, seldom], 12)
  expect(all.slice(0, 4)).toEqual(['ABS', 'AB', 'SBA', 'BA'])
  const first = (name: string): number => all.filter((order) => order.startsWith(name)).length
  expect([first('A'), first('B'), first('S')]).toEqual([5, 5, 2])
})

it('runs one of two before the other as often as behind it', () => {
  const all = orders([a, b, c, seldom], 16)
  expect(all.filter((order) => order.indexOf('A') < order.indexOf('B'))).toHaveLength(8)
})

it('has no turns in a round without trials', () => {
  expect(turnsOf([seldom], 1)).toEqual([])
})

it('rotates the subjects inside each scenario, and the scenarios of one group', async () => {
  const progress: string[] = []
  const trials = [
    trial('send', 'ours'),
    trial('send', 'raw'),
    trial('consume', 'ours'),
    trial('consume', 'raw'),
    trial('idle', 'ours', 'memory'),
    trial('bare', 'ours', 'memory'),
  ]
  const samples = await runRounds(trials, 2, (text) => progress.push(text))
  expect(progress).toEqual([
    'round 1 of 2: send: ours',
    'round 1 of 2: send: raw',
    'round 1 of 2: consume: ours',
    'round 1 of 2: consume: raw',
    'round 1 of 2: idle: ours',
    'round 1 of 2: bare: ours',
    'round 2 of 2: send: raw',
    'round 2 of 2: send: ours',
    'round 2 of 2: consume: raw',
    'round 2 of 2: consume: ours',
    'round 2 of 2: bare: ours',
    'round 2 of 2: idle: ours',
  ])
  expect(samples.of('consume', 'raw').map(({ messages }) => messages)).toEqual([0, 1])
})

it('runs those at once that measure in slices, with turns of their own, and ends when all have ended', async () => {
  const events: string[] = []
  const sliced = (subject: string, failure?: Error): Trial => ({
    scenario: 'send',
    subject,
    sliced: true,
    run: async (_, turns) => {
      const party = {}
      await new Promise<void>((resolve) => turns?.ask(party, resolve))
      events.push(`${subject} measures`)
      turns?.leave(party)
      if (failure !== undefined) throw failure
      return { messages: 1, seconds: 1, cpuMicros: 1 }
    },
  })
  const samples = await runRounds([sliced('ours'), sliced('raw')], 1, () => undefined)
  expect(events).toEqual(['ours measures', 'raw measures'])
  expect(samples.of('send', 'raw')).toHaveLength(1)
  events.length = 0
  await expect(runRounds([sliced('ours', new Error('lost')), sliced('raw')], 1, () => undefined)).rejects.toThrow('lost')
  expect(events).toEqual(['ours measures', 'raw measures'])
})

function orders(group: readonly (typeof a & Pick<Trial, 'every'>)[], rounds: number): string[] {
  return Array.from({ length: rounds }, (_, round) =>
    turnsOf(group, round)
      .map(({ name }) => name)
      .join(''),
  )
}

function trial(scenario: string, subject: string, group?: string): Trial {
  const run = (round: number): ReturnType<Trial['run']> => Promise.resolve({ messages: round, seconds: 1, cpuMicros: 1 })
  return { scenario, subject, run, ...(group === undefined ? {} : { group }) }
}
