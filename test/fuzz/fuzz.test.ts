import { describe, expect, it } from 'vitest'
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

async function findingsOf(name: string, inputs = 2_000, hangMs = 1_500): Promise<TargetReport> {
  const [report] = await fuzz({ module: planted, names: [name], seed, inputs, slowMs: 100, hangMs })
  if (report === undefined) throw new Error('there is no report')
  return report
}

describe('the fuzzer', () => {
  it('finds nothing in a decoder that is sound', async () => {
    expect(await findingsOf('sound')).toMatchObject({ name: 'sound', inputs: 2_000, findings: [] })
  })

  it.each([
    ['crashes', /^it threw what is not documented: TypeError: Cannot read properties of undefined/],
    ['hangs', /^it did not come back within 1500 ms$/],
    ['never-settles', /^its promise never settled/],
    ['is-slow', /^it took 1\d\d ms$/],
    ['wrong-type', /^attempt is string$/],
    ['looking-throws', /^what came out is of a wrong type, so that even looking at it throws TypeError/],
    ['pollutes', /^it has changed what all objects share: polluted$/],
    ['leaves-a-rejection', /^a promise was left to reject: Error: nobody waits for it$/],
  ])(
    'finds out a decoder that %s, and goes on behind it',
    async (name, problem) => {
      const hangs = name === 'hangs'
      const { findings, inputs } = await findingsOf(name, hangs ? 300 : 600)
      expect(findings.length).toBeGreaterThan(0)
      for (const finding of findings) expect(finding.problem).toMatch(problem)
      expect(inputs).toBeGreaterThan((findings[0]?.index ?? 0) + 1)
    },
    60_000,
  )

  it('finds out a decoder that replaces what all objects share', async () => {
    const { findings } = await findingsOf('replaces', 20_000)
    expect(findings[0]?.problem).toBe('one of the last 4096 inputs has changed what all objects share')
  })

  it('finds out a decoder that keeps what it is given', async () => {
    const { findings } = await findingsOf('keeps-all', 60_000)
    expect(findings.map(({ problem }) => problem)).toEqual([expect.stringMatching(/^memory grew by /)])
  })

  it('makes the input of an index again, whatever else runs', async () => {
    const { findings } = await findingsOf('wrong-type', 600)
    const first = findings[0]
    expect(first?.input).toBe('7')
    const [again] = await fuzz({ module: planted, names: ['sound', 'wrong-type'], seed, from: first?.index ?? 0, inputs: 1, slowMs: 100 }).then((all) =>
      all.slice(1),
    )
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

it('finds nothing in any decoder, with 5,000 inputs for each', async () => {
  const names = targets.map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
  const reports = await fuzz({ module: new URL('targets/index.ts', import.meta.url), names, seed, inputs: 5_000 })
  expect(reports.flatMap((report) => (report.findings.length === 0 ? [] : lines(report, seed)))).toEqual([])
  expect(reports.map(({ name, inputs }) => [name, inputs])).toEqual(names.map((name) => [name, 5_000]))
}, 120_000)
