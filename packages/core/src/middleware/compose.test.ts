import { describe, expect, it } from 'vitest'
import { composeProcess } from './compose.ts'
import { composeSend } from './compose-send.ts'
import type { ProcessContext, ProcessFunction, ProcessMiddleware, SendContext, SendFunction, SendMiddleware, SendReceipt } from './types.ts'

const context = {} as ProcessContext
const sendContext = {} as SendContext
const receipt: SendReceipt = { id: 'm1' }

function tracing(trace: string[], name: string): ProcessFunction {
  return (_context, next) => {
    trace.push(`${name} in`)
    const value = next()
    trace.push(`${name} out`)
    return value
  }
}

describe('composeProcess', () => {
  it('runs the handler with the context when there is no middleware', () => {
    expect(composeProcess([])(context, (given) => given)).toBe(context)
  })

  it.each([1, 2, 3, 7])('runs %d middlewares outermost first', (count) => {
    const trace: string[] = []
    const names = Array.from({ length: count }, (_, index) => `m${index}`)
    const chain = composeProcess(names.map((name) => tracing(trace, name)))
    expect(chain(context, () => trace.push('handler'))).toBe(count + 1)
    expect(trace).toEqual([...names.map((name) => `${name} in`), 'handler', ...names.toReversed().map((name) => `${name} out`)])
  })

  it('makes no promise of its own', () => {
    const promise = Promise.resolve('late')
    const pass: ProcessFunction = (_context, next) => next()
    expect(composeProcess([pass, pass])(context, () => 'now')).toBe('now')
    expect(composeProcess([pass, pass])(context, () => promise)).toBe(promise)
  })

  it('lets a middleware answer for the handler', () => {
    expect(composeProcess([() => 'stored', () => expect.unreachable()])(context, () => expect.unreachable())).toBe('stored')
  })

  it('hands errors outwards, thrown or rejected', async () => {
    const seen: unknown[] = []
    const catching: ProcessFunction = async (_context, next) => {
      try {
        return await next()
      } catch (error) {
        seen.push(error)
        return 'caught'
      }
    }
    const failure = new Error('handler')
    await expect(
      composeProcess([catching])(context, () => {
        throw failure
      }),
    ).resolves.toBe('caught')
    await expect(composeProcess([catching])(context, () => Promise.reject(failure))).resolves.toBe('caught')
    expect(seen).toEqual([failure, failure])
  })

  it('keeps `this` of a middleware object', () => {
    const middleware: ProcessMiddleware & { prefix: string } = {
      name: 'prefixing',
      stage: 'custom',
      prefix: '> ',
      process(_context, next) {
        return this.prefix + String(next())
      },
    }
    expect(composeProcess([middleware])(context, () => 'body')).toBe('> body')
  })

  it('refuses a second next(), also a late one, and names the middleware', async () => {
    function greedy(_context: ProcessContext, next: () => unknown): unknown {
      next()
      return next()
    }
    let handled = 0
    expect(() => composeProcess([greedy])(context, () => handled++)).toThrow(
      new TypeError("middleware 'greedy' called next() twice; a message goes through the rest of the chain once"),
    )
    expect(handled).toBe(1)
    const late: ProcessFunction = async (_context, next) => {
      await next()
      return next()
    }
    await expect(composeProcess([late])(context, () => handled++)).rejects.toThrow(TypeError)
    expect(handled).toBe(2)
  })

  it('guards every message on its own', () => {
    const chain = composeProcess([(_context, next) => next()])
    expect([chain(context, () => 1), chain(context, () => 2)]).toEqual([1, 2])
  })
})

describe('composeSend', () => {
  it('runs outermost first and sends the context as the middlewares left it', async () => {
    const first: SendMiddleware = {
      name: 'first',
      stage: 'compression',
      send: (given, next) => {
        given.outgoing = { id: 'packed' } as never
        return next()
      },
    }
    const second: SendFunction = async (given, next) => ({ id: `${(await next()).id} ${given.outgoing.id}` })
    const sent: SendContext[] = []
    const given = { ...sendContext }
    await expect(
      composeSend([first, second])(given, async (last) => {
        sent.push(last)
        return receipt
      }),
    ).resolves.toEqual({ id: 'm1 packed' })
    expect(sent).toEqual([{ outgoing: { id: 'packed' } }])
  })

  it('adds nothing when there is no middleware, or none that has anything to do', () => {
    const promise = Promise.resolve(receipt)
    const pass: SendFunction = (_context, next) => next()
    expect(composeSend([])(sendContext, () => promise)).toBe(promise)
    expect(composeSend([pass, pass])(sendContext, () => promise)).toBe(promise)
  })

  it('answers with a promise whatever a middleware returns', async () => {
    const careless = (() => undefined) as unknown as SendFunction
    const chain = composeSend([async (_context, next) => next().then((answer) => answer), careless])
    await expect(chain(sendContext, () => expect.unreachable())).resolves.toBeUndefined()
  })

  it('rejects where a middleware throws at once', async () => {
    const chain = composeSend([
      () => {
        throw new RangeError('no')
      },
    ])
    await expect(chain(sendContext, async () => receipt)).rejects.toThrow(RangeError)
  })

  it('refuses a second next()', async () => {
    let sent = 0
    const chain = composeSend([
      async (_context, next) => {
        await next()
        return next()
      },
    ])
    await expect(
      chain(sendContext, async () => {
        sent++
        return receipt
      }),
    ).rejects.toThrow('called next() twice')
    expect(sent).toBe(1)
  })
})
