import { expect, it } from 'vitest'
import { parseArguments } from './arguments.ts'

const known = ['core', 'memory', 'amqp']
const parse = (...args: string[]): ReturnType<typeof parseArguments> => parseArguments(args, known, ['core'])

it('runs all suites without names and with `all`, else those named and those that always run', () => {
  expect(parse().suites).toEqual(known)
  expect(parse('all').suites).toEqual(known)
  expect(parse('all', 'amqp').suites).toEqual(known)
  expect(parse('amqp').suites).toEqual(['core', 'amqp'])
})

it('says what is wrong', () => {
  expect(() => parse('ampq')).toThrow("there is no suite 'ampq'; there are: core, memory, amqp, all")
  expect(() => parse('--rounds', '0')).toThrow(RangeError)
  expect(() => parse('--round', '3')).toThrow(TypeError)
})

it('takes fewer rounds for a look, unless it is told how many', () => {
  expect(parse().rounds).toBe(7)
  expect(parse('--quick').rounds).toBe(3)
  expect(parse('--quick', '--rounds', '5').rounds).toBe(5)
})

it('takes parts of names of scenarios', () => {
  expect(parse().only).toEqual([])
  expect(parse('amqp', '--only', 'consume', '--only', 'latency').only).toEqual(['consume', 'latency'])
})
