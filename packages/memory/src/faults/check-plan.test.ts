import { describe, expect, it } from 'vitest'
import { memory } from '../memory.ts'
import type { FaultPlan, FaultRule } from './plan.ts'

const rule = (at: object, fault: object = { kind: 'throttle' }, more: object = {}) => ({ at, fault, ...more }) as FaultRule
const send = { operation: 'send' }

/** What is illegal, the class of the error, and what its text says. */
const rules: readonly (readonly [string, unknown, typeof TypeError | typeof RangeError, string])[] = [
  ['no rule', 'x', TypeError, "rule must be an object, not 'x'"],
  ['no fault', { at: send }, TypeError, 'rule.fault must be an object, not undefined'],
  ['no point', { fault: { kind: 'throttle' } }, TypeError, 'rule.at must be an object, not undefined'],
  ['a misspelled part', rule(send, undefined, { tims: 1 }), TypeError, "rule: unknown option 'tims'; did you mean 'times'?"],
  ['a misspelled condition', rule({ ...send, plaec: 'x' }), TypeError, "rule.at: unknown option 'plaec'; did you mean 'place'?"],
  ['an unknown operation', rule({ operation: 'snd' }), TypeError, "rule.at.operation cannot be 'snd'; did you mean 'send'?"],
  ['an unknown kind', rule(send, { kind: 'thottle' }), TypeError, "rule.fault.kind cannot be 'thottle'; did you mean 'throttle'?"],
  ['a kind that is not text', rule(send, { kind: 5 }), TypeError, 'rule.fault.kind cannot be 5; known: duplicate, reorder, delay'],
  [
    'a fault elsewhere',
    rule({ operation: 'connect' }, { kind: 'duplicate' }),
    RangeError,
    'rule: duplicate cannot take effect at connect, only at send, deliver',
  ],
  ['an option of another kind', rule(send, { kind: 'throttle', ms: 5 }), TypeError, "rule.fault: unknown option 'ms'"],
  ['a misspelled option', rule(send, { kind: 'drop-connection', downms: 5 }), TypeError, "rule.fault: unknown option 'downms'; did you mean 'downMs'?"],
  ['a delay of nothing', rule(send, { kind: 'delay' }), RangeError, 'rule.fault.ms must be a number of milliseconds ≥ 0, not undefined'],
  ['a negative delay', rule(send, { kind: 'delay', ms: -5 }), RangeError, 'rule.fault.ms must be a number of milliseconds ≥ 0, not -5'],
  ['a delay without end', rule(send, { kind: 'delay', ms: Infinity }), RangeError, 'not Infinity'],
  ['a negative down time', rule(send, { kind: 'drop-connection', downMs: -1 }), RangeError, 'rule.fault.downMs must be a number of milliseconds ≥ 0, not -1'],
  ['a switch that is none', rule(send, { kind: 'lose-response', stored: 'no' }), TypeError, "rule.fault.stored must be true or false, not 'no'"],
  ['nth 0', rule({ ...send, nth: 0 }), RangeError, 'rule.at.nth must be a whole number ≥ 1, not 0'],
  ['nth -1', rule({ ...send, nth: -1 }), RangeError, 'rule.at.nth must be a whole number ≥ 1, not -1'],
  ['every 0', rule({ ...send, every: 0 }), RangeError, 'rule.at.every must be a whole number ≥ 1, not 0'],
  ['every 1.5', rule({ ...send, every: 1.5 }), RangeError, 'not 1.5'],
  ['a probability of 5', rule({ ...send, probability: 5 }), RangeError, 'rule.at.probability must be a number from 0 to 1, not 5'],
  ['a probability of NaN', rule({ ...send, probability: Number.NaN }), RangeError, 'not NaN'],
  ['no times', rule(send, undefined, { times: 0 }), RangeError, 'rule.times must be a whole number ≥ 1, not 0'],
  ['a place that is no name', rule({ ...send, place: 5 }), TypeError, 'rule.at.place must be the name of a place, not 5'],
  ['a place to connect to', rule({ operation: 'connect', place: 'orders' }), RangeError, 'rule.at.place has no meaning at connect'],
]

const plans: readonly (readonly [string, unknown, typeof TypeError | typeof RangeError, string])[] = [
  ['text', 'x', TypeError, "faults must be an object, not 'x'"],
  ['null', null, TypeError, 'faults must be an object, not null'],
  ['a list', [], TypeError, 'faults must be an object, not a list'],
  ['a misspelled part', { rule: [] }, TypeError, "faults: unknown option 'rule'; did you mean 'rules'?"],
  ['rules that are no list', { rules: {} }, TypeError, 'faults.rules must be a list of rules, not object'],
  ['a bad rule', { rules: [rule(send), rule({ ...send, nth: 0 })] }, RangeError, 'faults.rules[1].at.nth must be'],
  ['chance without probability', { random: {} }, RangeError, 'faults.random.probability must be a number from 0 to 1, not undefined'],
  ['a probability of 2', { random: { probability: 2 } }, RangeError, 'not 2'],
  ['a misspelled budget', { random: { probability: 0.1, budgt: 4 } }, TypeError, "faults.random: unknown option 'budgt'; did you mean 'budget'?"],
  ['a negative budget', { random: { probability: 0.1, budget: -1 } }, RangeError, 'faults.random.budget must be a whole number ≥ 0, not -1'],
  ['a negative maximum', { random: { probability: 0.1, maxMs: -1 } }, RangeError, 'faults.random.maxMs must be a number of milliseconds ≥ 0, not -1'],
  ['kinds that are no list', { random: { probability: 0.1, kinds: 'delay' } }, TypeError, 'faults.random.kinds must be a list of at least one kind'],
  ['no kinds', { random: { probability: 0.1, kinds: [] } }, TypeError, 'at least one kind; known: duplicate'],
  ['an unknown kind', { random: { probability: 0.1, kinds: ['delay', 'nope'] } }, TypeError, "faults.random.kinds[1] cannot be 'nope'"],
]

function thrown(work: () => unknown): unknown {
  try {
    work()
  } catch (error) {
    return error
  }
  return undefined
}

describe('a fault plan', () => {
  it.each(rules)('with %s in a rule is refused', (_what, given, type, text) => {
    const driver = memory()
    const error = thrown(() => driver.inject(given as FaultRule))
    expect(error).toBeInstanceOf(type)
    expect((error as Error).message).toContain(text)
    expect(driver.world.faults).toBeUndefined()
  })

  it.each(plans)('that is, or has, %s is refused', (_what, given, type, text) => {
    const error = thrown(() => memory({ faults: given as FaultPlan }))
    expect(error).toBeInstanceOf(type)
    expect((error as Error).message).toContain(text)
  })

  it('is taken at the bounds', () => {
    const { faults } = memory({
      faults: {
        rules: [
          rule({ ...send, nth: 1, every: 1, probability: 0, place: 'orders' }, { kind: 'delay', ms: 0 }, { times: 1 }),
          rule({ operation: 'settle', probability: 1 }, { kind: 'lose-ack', applied: false }),
          rule({ operation: 'deliver' }, { kind: 'drop-connection', downMs: 0 }),
          rule({ operation: 'connect' }),
        ],
        random: { probability: 0, kinds: ['delay'], budget: 0, maxMs: 0 },
      },
    }).world
    expect(faults).toBeDefined()
  })
})

describe('what a profile cannot show', () => {
  const throttledAck = rule({ operation: 'settle' })
  const reordered = rule({ operation: 'deliver' }, { kind: 'reorder' })

  it.each([
    ['rabbitmq', throttledAck, 'profile rabbitmq cannot show throttle at settle: acks have no answer'],
    ['mqtt', throttledAck, 'profile mqtt cannot show throttle at settle: acks have no answer'],
    ['kinesis', reordered, 'profile kinesis cannot show reorder at deliver: a shard is read in order'],
  ] as const)('is refused (%s)', (profile, given, text) => {
    expect(thrown(() => memory({ profile, faults: { rules: [given] } }))).toMatchObject({ name: 'RangeError', message: `faults.rules[0]: ${text}` })
    expect(thrown(() => memory({ profile }).inject(given))).toMatchObject({ name: 'RangeError', message: `rule: ${text}` })
  })

  it('is refused among the kinds of a random schedule if it can be shown nowhere', () => {
    const random = (profile: 'kinesis' | 'rabbitmq', kind: 'reorder' | 'throttle') =>
      thrown(() => memory({ profile, faults: { random: { probability: 1, kinds: [kind] } } }))
    expect(random('kinesis', 'reorder')).toMatchObject({
      message: 'faults.random.kinds: profile kinesis cannot show reorder at deliver: a shard is read in order',
    })
    expect(random('rabbitmq', 'throttle')).toBeUndefined()
  })
})
