import { beforeAll, describe, expect, it } from 'vitest'
import { parseArguments } from './arguments.ts'
import { Draw } from './draw.ts'
import { drawOf } from './judge.ts'
import { mutatedBytes } from './mutate/bytes.ts'
import { mutatedText } from './mutate/text.ts'
import { anyValue, mutatedValue } from './mutate/values.ts'
import { Prototypes } from './prototypes.ts'
import { lines, summary } from './report.ts'
import { fuzz, type TargetReport } from './run.ts'
import { targets } from './targets/index.ts'

const planted = new URL('planted.ts', import.meta.url)
const seed = 1

/** What each is found out by. */
const broken: Readonly<Record<string, RegExp>> = {
  crashes: /^it threw what is not documented: TypeError: Cannot read properties of undefined/,
  hangs: /^it did not come back within 1500 ms$/,
  'never-settles': /^its promise never settled/,
  // On a machine that is busy it looks as if it hung.
  'is-slow': /^it (took \d{3,} ms|did not come back within 1500 ms)$/,
  'wrong-type': /^attempt is string$/,
  'looking-throws': /^what came out is of a wrong type, so that even looking at it throws TypeError/,
  pollutes: /^it has changed what all objects share: polluted$/,
  'leaves-a-rejection': /^a promise was left to reject: Error: nobody waits for it$/,
}
/** Of each the first that it is broken by is among them; of `hangs` no other. */
const enough = 1_022

async function reportsOf(names: readonly string[], inputs: number): Promise<readonly TargetReport[]> {
  return fuzz({ module: planted, names, seed, inputs, slowMs: 100, hangMs: 1_500 })
}

describe('the fuzzer', () => {
  let reports: readonly TargetReport[]
  beforeAll(async () => {
    reports = await reportsOf(['sound', ...Object.keys(broken)], enough)
  }, 60_000)

  it('finds nothing in a decoder that is sound', () => {
    expect(reports[0]).toMatchObject({ name: 'sound', inputs: enough, findings: [] })
  })

  it.each(Object.entries(broken))('finds out a decoder that %s, and goes on behind it', (name, problem) => {
    const { findings = [], inputs } = reports.find((report) => report.name === name) ?? {}
    expect(findings.length).toBeGreaterThan(0)
    for (const finding of findings) expect(finding.problem).toMatch(problem)
    expect(inputs).toBeGreaterThan((findings[0]?.index ?? 0) + 1)
  })

  it('finds out a decoder that replaces what all objects share', async () => {
    const [report] = await reportsOf(['replaces'], 20_000)
    expect(report?.findings[0]?.problem).toBe('one of the last 4096 inputs has changed what all objects share')
  })

  it('finds out a decoder that keeps what it is given', async () => {
    const [report] = await reportsOf(['keeps-all'], 60_000)
    expect(report?.findings.map(({ problem }) => problem)).toEqual([expect.stringMatching(/^memory grew by /)])
  })

  it('makes the input of an index again, whatever else runs', async () => {
    const first = reports.find(({ name }) => name === 'wrong-type')?.findings[0]
    expect(first?.input).toBe('7')
    const [, again] = await fuzz({ module: planted, names: ['sound', 'wrong-type'], seed, from: first?.index ?? 0, inputs: 1 })
    expect(again?.findings).toEqual([first])
  })

  it('tells what was found, how to see it again, and how much was tried', () => {
    const report = { name: 'a', inputs: 10, seconds: 2, findings: [1, 2, 3].map((index) => ({ target: 'a', index, problem: `took ${index}`, input: 'x' })) }
    expect(lines(report, 5)).toEqual([
      'a: 10 inputs, 3 findings in 2.0 s, 5 a second',
      '  took 1',
      '    reproduce it with npm run fuzz -- a --seed 5 --index 1',
      '    x',
      '  took 2',
      '    reproduce it with npm run fuzz -- a --seed 5 --index 2',
      '    x',
      '  and 1 more like it',
    ])
    expect(summary([report])).toEqual({ text: 'fuzz: 10 inputs, 3 findings', clean: false })
    expect(summary([{ ...report, findings: [] }]).clean).toBe(true)
    expect(summary([]).clean).toBe(false)
  })
})

describe('inputs', () => {
  it('are others for every seed, target and index, and the same for the same', () => {
    const made = (name: string, from: number, index: number): unknown => anyValue(drawOf(from, name, index), 'json', 5)
    const all = [0, 1].flatMap((from) => ['a', 'b'].flatMap((name) => Array.from({ length: 50 }, (_, index) => JSON.stringify(made(name, from, index)))))
    expect(new Set(all).size).toBeGreaterThan(100)
    expect(made('a', 1, 7)).toEqual(made('a', 1, 7))
  })

  it('are changed, and their samples are not', () => {
    const sample = Object.freeze({ text: 'abc', list: Object.freeze([1, Object.freeze({ a: true })]) })
    const bytes = Buffer.from('abcdef')
    for (let index = 0; index < 2_000; index++) {
      const draw = new Draw(index)
      mutatedValue(draw, sample, 'code')
      mutatedBytes(draw, bytes)
      expect(typeof mutatedText(draw, 'abc')).toBe('string')
    }
    expect(sample).toEqual({ text: 'abc', list: [1, { a: true }] })
    expect(bytes.toString()).toBe('abcdef')
    expect(new Prototypes().restore()).toEqual([])
  })
})

describe('arguments', () => {
  const known = ['json', 'amqp-message', 'amqp-url']

  it('choose targets by parts of their names', () => {
    expect(parseArguments(['amqp', '--inputs', '5', '--seed', '3'], known)).toMatchObject({ names: ['amqp-message', 'amqp-url'], inputs: 5, seed: 3, from: 0 })
    expect(parseArguments(['json', '--index', '9'], known)).toMatchObject({ names: ['json'], inputs: 1, from: 9 })
    expect(parseArguments([], known).names).toEqual(known)
  })

  it.each([[['none']], [['--inputs', '0']], [['--seed', '-1']], [['--index', 'x']], [['--threads', '99']], [['--odd']]])('refuse %j', (args) => {
    expect(() => parseArguments(args, known)).toThrow()
  })
})

it('finds nothing in any decoder, with 1,000 inputs for each', async () => {
  const names = targets.map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
  const reports = await fuzz({ module: new URL('targets/index.ts', import.meta.url), names, seed, inputs: 1_000 })
  expect(reports.flatMap((report) => (report.findings.length === 0 ? [] : lines(report, seed)))).toEqual([])
  expect(reports.map(({ name, inputs }) => [name, inputs])).toEqual(names.map((name) => [name, 1_000]))
}, 120_000)
