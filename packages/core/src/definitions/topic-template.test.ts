import { describe, expect, it } from 'vitest'
import { queue } from './queue.ts'
import { stream } from './stream.ts'
import { topic } from './topic.ts'

const position = { truckId: '42' }

function refusalOf(call: () => unknown): unknown {
  try {
    call()
  } catch (error) {
    return error
  }
  return undefined
}

describe('a topic with parameters in its name', () => {
  it.each(['trucks/{truckId}', 'trucks/{truckId}/position', '{tenant}/trucks/{truckId}', 'a.b/c-d_e/{x}', `${'x'.repeat(80)}/{y}`])('may be %s', (name) => {
    expect(topic(name).template).toBeDefined()
  })

  it.each([
    'trucks/{truckId',
    'trucks/truckId}',
    'trucks/{}',
    'trucks/{truck id}',
    'trucks/{1}',
    'trucks/{_x}',
    'trucks/t-{truckId}',
    'trucks/{a}{b}',
    '/{a}',
    'a//{b}',
    'a/{b}/',
    'a/{b}/+',
    'a/{b}/#',
    'ä/{b}',
    `${'x'.repeat(81)}/{y}`,
    `${'x/'.repeat(100)}{y}`,
  ])('may not be %s', (name) => {
    expect(() => topic(name)).toThrow(/an address template has up to 200 characters, in levels separated by '\/'/)
  })

  it('has each parameter once, and a level that is none', () => {
    expect(() => topic('a/{x}/{x}')).toThrow("topic 'a/{x}/{x}': a parameter is there twice; give each a name of its own")
    expect(() => topic('{x}/{y}')).toThrow('one level at least must be no parameter')
  })

  it('is a topic: queues, streams and options say so', () => {
    expect(() => queue('trucks/{truckId}')).toThrow(/parameters are for the names of topics$/)
    expect(() => stream('trucks/{truckId}')).toThrow(/parameters are for the names of topics$/)
    expect(() => topic('trucks', { parameters: () => position } as never)).toThrow(/unknown option 'parameters'/)
    expect(() => topic('trucks/{truckId}', { parameters: position as never })).toThrow('parameters must be a function of the body')
  })
})

describe('the parameters of a message', () => {
  const given = topic('trucks/{truckId}/{part}').template
  const computed = topic<{ truckId: string }, 'trucks/{truckId}'>('trucks/{truckId}', { parameters: ({ truckId }) => ({ truckId }) }).template

  it('are those of the send, or those that are made of the body', () => {
    expect({ ...given?.parametersOf({ truckId: '42', part: 'door' }, {}) }).toEqual({ truckId: '42', part: 'door' })
    expect({ ...computed?.parametersOf(undefined, position) }).toEqual(position)
    expect({ ...computed?.parametersOf({ truckId: '7' }, position) }).toEqual({ truckId: '7' })
  })

  it('must be there: the error names both ways', () => {
    expect(refusalOf(() => given?.parametersOf(undefined, {}))).toMatchObject({
      code: 'ERR_INVALID',
      message:
        'trucks/{truckId}/{part}: its address has no parameters: give them with the message, send(body, { parameters: { truckId, part } }), or compute them, topic(name, { parameters: (body) => ({ truckId, part }) })',
    })
  })

  it.each([
    [{ truckId: '42' }, /parameter 'part' is missing/],
    [{ truckId: '42', part: undefined }, /parameter 'part' is missing/],
    [{ truckId: 42, part: 'x' }, /parameter 'truckId' must be a text, not number/],
    [{ truckId: '', part: 'x' }, /parameter 'truckId' is empty/],
    [{ truckId: 'a', part: 'x', truck: 'b' }, /there is no parameter 'truck'; there is truckId, part/],
    [null, /must be an object of texts, \{ parameters: \{ truckId, part \} \}, not null/],
    ['42', /not string/],
    ...['a/b', '+', '#', 'a#', '\0', '\uD800'].map((truckId) => [{ truckId, part: 'x' }, /parameter 'truckId' holds '\/', '\+', '#', NUL or half/] as const),
  ] as const)('%j is refused with the parameter and without its value', (parameters, message) => {
    expect(refusalOf(() => given?.parametersOf(parameters, {}))).toMatchObject({ code: 'ERR_INVALID', message: expect.stringMatching(message) as string })
  })

  it('are checked where they are made of the body, too', () => {
    expect(refusalOf(() => computed?.parametersOf(undefined, { truckId: 'a/b' }))).toMatchObject({ code: 'ERR_INVALID' })
    expect(refusalOf(() => computed?.parametersOf(undefined, {}))).toMatchObject({ code: 'ERR_INVALID' })
  })
})

describe('a subscription that fixes parameters', () => {
  const trucks = topic('trucks/{truckId}/{part}')

  it('keeps what it was given', () => {
    expect(trucks.subscription('one', { parameters: { truckId: '42' } }).options.parameters).toEqual({ truckId: '42' })
  })

  it.each([
    [{ truck: '42' }, /unknown option 'truck'; did you mean 'truckId'\?/],
    [{ truckId: '+' }, /parameter 'truckId' holds '\/'/],
    [{ truckId: '' }, /parameter 'truckId' is empty/],
    [{ truckId: 7 }, /parameter 'truckId' must be a text, not number/],
    ['42', /must be an object of texts, not string/],
  ])('refuses %j', (parameters, message) => {
    expect(() => trucks.subscription('one', { parameters: parameters as never })).toThrow(message)
  })

  it('is of a topic that has some', () => {
    expect(() => topic('trucks').subscription('one', { parameters: { truckId: '42' } as never })).toThrow("its topic's name holds no parameters")
    expect(() => stream('trucks').subscription('one', { parameters: { truckId: '42' } } as never)).toThrow("its topic's name holds no parameters")
  })
})

describe('the physical name', () => {
  const template = topic('trucks/{truckId}/{part}').template

  it('has the same parameters, anywhere', () => {
    expect(template?.endpointOf('prod/{part}/x/{truckId}')).toEqual({ parameters: ['part', 'truckId'] })
  })

  it.each(['trucks', 'trucks/{truckId}', 'trucks/{truckId}/{part}/{more}', 'trucks/{truckId}/{truckId}', 'x/{truckId}/p-{part}', '{truckId}/{part}'])(
    'must not be %s',
    (name) => {
      expect(refusalOf(() => template?.endpointOf(name))).toMatchObject({
        code: 'ERR_CONFIGURATION',
        message: expect.stringContaining('must have the same parameters, each once and a whole level') as string,
      })
    },
  )

  it('makes a name for dead letters that no wildcard of it matches', () => {
    expect(template?.placeOf('prod/{part}/{truckId}')).toBe('prod.part.truckId')
  })
})
